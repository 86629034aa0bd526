@testable import InvokProxyTests

/// Where Go's `net/http` takes a request otherwise, and why. Its server refuses more than its parser does.
extension RequestSample {
    /// `nil` where it agrees.
    var goDifference: String? { Self.goDifferences[text] }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n"
    private static let chunked = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    static let goDifferences = table([
        (
            "it passes over no empty line before a request, as a server should (RFC 9112 §2.2)",
            [
                "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ]
        ),
        (
            "it takes every version of two numbers, and leaves it to its server to refuse HTTP/2",
            [
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
                "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ]
        ),
        (
            "it takes a bare LF for the end of a line",
            [
                "GET / HTTP/1.1\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\nHost: a\n\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\n\r\n\r\n",
            ]
        ),
        (
            "it leaves to its server what a request means: CONNECT, the target, Host and Expect",
            [
                "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
                "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET httpx://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http://a@b@c\"/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: <a>\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: ä\r\n\r\n",
                "GET http://b/ HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect:\r\n\r\n",
            ]
        ),
        (
            "it keeps a name with a space as a name of its own, which its server refuses",
            [
                "GET / HTTP/1.1\r\nHost: a\r\nHost : a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX : 1\r\n\r\n",
            ]
        ),
        (
            "it unfolds lines; here a folded one is refused (RFC 9112 §5.2)",
            [
                "GET / HTTP/1.1\r\nHost: a\r\n X: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\tX: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tTransfer-Encoding: chunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n \r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n 2\r\n\r\n",
            ]
        ),
        (
            "it takes a length that is there twice for one, as it may (RFC 9110 §8.6)",
            [
                "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"
            ]
        ),
        (
            "it lets chunks win over a length, as it may (RFC 9112 §6.3), and passes over a coding in HTTP/1.0",
            [
                "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
                "POST /p HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            ]
        ),
        (
            "it passes over spaces behind a chunk's size, and does not look at extensions",
            [
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\u{0}\r\nhello\r\n0\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;\u{7F}\r\nhello\r\n0\r\n\r\n",
            ]
        ),
        (
            "it has no bounds but those that its server sets",
            [
                chunked + "5;" + String(repeating: "a", count: 1100) + "\r\nhello\r\n0\r\n\r\n",
                chunked + "0\r\n" + String(repeating: "X: 1\r\n", count: 201) + "\r\n",
                get + String(repeating: "X: 1\r\n", count: 200) + "\r\n",
                get + "X: " + String(repeating: "a", count: 66_000) + "\r\n\r\n",
                "GET /" + String(repeating: "a", count: 66_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
            ]
        ),
    ])
}

/// Where it takes an answer otherwise.
extension ResponseSample {
    /// `nil` where it agrees.
    var goDifference: String? { Self.goDifferences[text] }

    private static let ok = "HTTP/1.1 200 OK\r\n"
    private static let chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"

    static let goDifferences = table([
        (
            "it passes over more than one space in the first line, and takes what words there are",
            [
                "HTTP/1.1  200 OK\r\n\r\n",
                "HTTP/1.1 200 O\u{0}K\r\n\r\n",
                "HTTP/1.1 200 O\u{7F}K\r\n\r\n",
                "HTTP/1.1 200 O\rK\r\n\r\n",
                "HTTP/1.1 200 OK\r\r\n\r\n",
            ]
        ),
        (
            "it takes every version of two numbers, and leaves it to its server to refuse HTTP/2",
            [
                "HTTP/2.0 200 OK\r\n\r\n",
                "HTTP/1.2 200 OK\r\n\r\n",
                "HTTP/0.9 200 OK\r\n\r\n",
            ]
        ),
        (
            "it takes every number for a status, and leaves upgrades to others",
            [
                "HTTP/1.1 000 None\r\n\r\n",
                "HTTP/1.1 099 None\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            ]
        ),
        (
            "it takes a bare LF for the end of a line",
            [
                "HTTP/1.1 200 OK\n\r\n",
                "HTTP/1.1 200 OK\n\n",
                "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: a\r\n\nbody",
            ]
        ),
        (
            "it keeps a name with a space as a name of its own, which its server refuses",
            [
                "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX : 1\r\n\r\n",
            ]
        ),
        (
            "it unfolds lines; here a folded one is refused (RFC 9112 §5.2)",
            [
                "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: a\r\n\tTransfer-Encoding: chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: a\r\n \r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n 2\r\n\r\n",
            ]
        ),
        (
            "it takes a length that is there twice for one, as it may (RFC 9110 §8.6)",
            [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"
            ]
        ),
        (
            "it lets chunks win over a length, as it may (RFC 9112 §6.3), and passes over a coding in HTTP/1.0",
            [
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ]
        ),
        (
            "it takes no space before an extension, which §7.1.1 has as bad white space",
            [
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \t;a\r\nhello\r\n0\r\n\r\n"
            ]
        ),
        (
            "it takes a size of 16 digits at most",
            [
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000005\r\nhello\r\n000\r\n\r\n"
            ]
        ),
        (
            "it passes over spaces behind a chunk's size, and does not look at extensions",
            [
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\u{0}\r\nhello\r\n0\r\n\r\n",
            ]
        ),
        (
            "it has no bounds but those that its server sets",
            [
                chunked + "5;" + String(repeating: "a", count: 1100) + "\r\nhello\r\n0\r\n\r\n",
                chunked + "0\r\n" + String(repeating: "X: 1\r\n", count: 201) + "\r\n",
                ok + String(repeating: "X: 1\r\n", count: 200) + "Content-Length: 0\r\n\r\n",
                ok + "X: " + String(repeating: "a", count: 66_000) + "\r\n\r\n",
                "HTTP/1.1 200 " + String(repeating: "a", count: 66_000) + "\r\n\r\n",
                // One more than 65,536 bytes.
                ok + "Content-Length: 0\r\nX: " + String(repeating: "a", count: 65_537 - 43) + "\r\n\r\n",
            ]
        ),
    ])
}

/// Why, by what.
private func table(_ reasons: [(String, [String])]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: reasons.flatMap { reason, texts in texts.map { ($0, reason) } })
}
