@testable import InvokProxy

/// Where NIO's parser, llhttp, takes a request otherwise, and why.
extension RequestSample {
    /// `nil` where it agrees.
    var difference: String? {
        if let reason = Self.differences[text] { return reason }
        guard case .fault = meaning, text.utf8.count > 1000, text.hasSuffix("\r\n\r\n") else { return nil }
        return "it has no bounds but those that NIO sets for heads, and here not even these"
    }

    private static let differences = Dictionary(
        uniqueKeysWithValues: reasons.flatMap { reason, texts in texts.map { ($0, reason) } })

    private static let reasons: [(String, [String])] = [
        (
            "it passes over more than one space in the first line",
            [
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            ]
        ),
        (
            "it passes over any number of empty lines, and over bare ends of lines among them",
            [
                "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ]
        ),
        (
            "it takes ASCII alone in a target; here what is no ASCII passes, as with other servers",
            [
                "GET /ü HTTP/1.1\r\nHost: a\r\n\r\n"
            ]
        ),
        (
            "NIO names this method otherwise",
            [
                "M-SEARCH /~!$&'()*+,;=:@ HTTP/1.1\r\nHost: a\r\n\r\n"
            ]
        ),
        (
            "it reads a body whose last coding is chunked, and passes over an empty one; here no other is taken (RFC 9112 §6.1)",
            [
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\n0\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /p HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ]
        ),
        (
            "it leaves to others what a request means: CONNECT, the target, Host and Expect",
            [
                "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
                "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET httpx://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: <a>\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: ä\r\n\r\n",
                "GET http://b/ HTTP/1.1\r\n\r\n",
                "GET http://b/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect:\r\n\r\n",
            ]
        ),
        (
            "it refuses a length among trailers; here they are not read as anything",
            [
                "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 7\r\nHost: b\r\n\r\n"
            ]
        ),
    ]
}
