import Testing

@testable import InvokProxy

/// Requests as clients might send them, and what they are: from RFC 9110 and RFC 9112, and from the published ways to make
/// two readers see different requests (CWE-444: CL.TE, TE.CL, TE.TE, CL.0, 0.CL, obfuscated codings, bare line ends, folds,
/// doubled hosts, chunk extensions).
struct RequestSample: Sendable, CustomTestStringConvertible {
    let text: String
    let meaning: FedRequest

    var testDescription: String { text.count < 80 ? text.debugDescription : text.prefix(60).debugDescription + "…" }

    static func whole(
        _ text: String, _ method: String, _ target: String, host: String? = "a", body: String = "",
        keepsAlive: Bool = true
    ) -> RequestSample {
        RequestSample(
            text: text,
            meaning: .request(method, target, host: host, body: Array(body.utf8), keepsAlive: keepsAlive))
    }

    static func wrong(
        _ text: String, _ fault: MessageFault
    ) -> RequestSample {
        RequestSample(text: text, meaning: .fault(fault))
    }

    static func part(
        _ text: String
    ) -> RequestSample {
        RequestSample(text: text, meaning: .part)
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n"
    private static let post = "POST /p HTTP/1.1\r\nHost: a\r\n"
    private static let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"

    static let all =
        good + requestLines + targets + hosts + fields + lengths + codings + smuggling + chunks + trailers + bounds
        + parts

    // MARK: What is one

    static let good: [RequestSample] = [
        whole(get + "\r\n", "GET", "/"),
        whole("GET /a/b?c=d&e HTTP/1.1\r\nhost:a\r\n\r\n", "GET", "/a/b?c=d&e"),
        whole("HEAD /%20%00 HTTP/1.1\r\nHOST: \t a \t\r\n\r\n", "HEAD", "/%20%00"),
        whole("M-SEARCH /~!$&'()*+,;=:@ HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH", "/~!$&'()*+,;=:@"),
        whole("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*"),
        whole("GET // HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "//"),
        whole("GET /../.. HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/../.."),
        whole("GET http://b:80/c?d HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/c?d", host: "b:80"),
        whole("GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "", host: "b"),
        whole("GET http://b?d HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "?d", host: "b"),
        whole("GET / HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n", "GET", "/", host: "[::1]:3000"),
        whole("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", host: ""),
        whole("GET / HTTP/1.0\r\n\r\n", "GET", "/", host: nil, keepsAlive: false),
        whole("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", host: nil),
        whole("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive, x\r\n\r\n", "GET", "/"),
        whole(get + "Connection: close\r\n\r\n", "GET", "/", keepsAlive: false),
        whole(get + "Connection: x, Close\r\n\r\n", "GET", "/", keepsAlive: false),
        whole(get + "Connection: closed\r\n\r\n", "GET", "/"),
        whole(post + "Content-Length: 5\r\n\r\nhello", "POST", "/p", body: "hello"),
        whole(post + "Content-Length: 0\r\n\r\n", "POST", "/p"),
        whole(post + "Content-Length: 00005\r\n\r\nhello", "POST", "/p", body: "hello"),
        whole(post + "\r\nnot a body", "POST", "/p"),
        whole(get + "Content-Length: 2\r\n\r\nok", "GET", "/", body: "ok"),
        whole(post + "Content-Length: 2\r\n\r\nokGET / HTTP/1.1\r\n", "POST", "/p", body: "ok"),
        whole(chunked + "5\r\nhello\r\n0\r\n\r\n", "POST", "/p", body: "hello"),
        whole(chunked + "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", "POST", "/p", body: "ab"),
        whole(chunked + "5;x=\"y\"\r\nhello\r\n000;z\r\nX: 1\r\n\r\n", "POST", "/p", body: "hello"),
        whole(post + "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "POST", "/p"),
        whole(post + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na", "POST", "/p", body: "a"),
        whole("GET / HTTP/1.0\r\nExpect: x\r\n\r\n", "GET", "/", host: nil, keepsAlive: false),
        whole("\r\n\r\n" + get + "\r\n", "GET", "/"),
        whole("\r\n\r\n\r\n\r\n" + get + "\r\n", "GET", "/"),
        whole(get + "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", "GET", "/"),
        whole(get + "Cookie: a=b\r\nCookie: c=d\r\n\r\n", "GET", "/"),
        whole("GET /ü HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/ü"),
        whole("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/a#b"),
        whole("GET /\"<>\\^`{|} HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/\"<>\\^`{|}"),
    ]

    // MARK: First lines

    static let requestLines: [RequestSample] =
        [
            "GET /\r\n\r\n", "GET\r\n\r\n", "GET / \r\nHost: a\r\n\r\n", " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n", "GET / HTTPS/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP\r\nHost: a\r\n\r\n", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "G:T / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", "GÉT / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\u{0}GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{1F} HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n" + get + "\r\n",
            "\r\r\n" + get + "\r\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", " ",
            "nonsense\r\n\r\n", "/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ].map { wrong($0, .startLine) }
        + [
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.01\r\nHost: a\r\n\r\n", "GET / HTTP/1\r\nHost: a\r\n\r\n",
            "GET / HTTP/01.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1,1\r\nHost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / HTTP/\r\nHost: a\r\n\r\n", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        ].map { wrong($0, .version) }
        + [
            "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\rHost: a\r\n\r\n", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
        ].map { wrong($0, .lineEnd) } + [
            wrong("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .tunnel),
            wrong("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", .tunnel),
        ]

    static let targets: [RequestSample] =
        [
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "GET httpx://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET :// HTTP/1.1\r\nHost: a\r\n\r\n", "GET \\a HTTP/1.1\r\nHost: a\r\n\r\n",
        ].map { wrong($0, .target) }
        + [
            "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a@b@c\"/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ].map { wrong($0, .host) }

    static let hosts: [RequestSample] = [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "GET / HTTP/1.1\r\nHost: <a>\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", "GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: ä\r\n\r\n", "GET http://b/ HTTP/1.1\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ].map { wrong($0, .host) }

    // MARK: Fields

    static let fields: [RequestSample] =
        [
            "Host : a\r\n", "X : a\r\n", "X\t: a\r\n", ": a\r\n", "X\r\n", "X a\r\n", "X(a): b\r\n", "Xé: b\r\n",
            "X\u{0}: b\r\n",
            "\"X\": b\r\n", "Content-Length : 5\r\n", "Transfer-Encoding : chunked\r\n",
            "Transfer\u{B}Encoding: chunked\r\n",
            "[X]: a\r\n", "X=1: a\r\n",
        ].map { wrong(get + $0 + "\r\n", .fieldName) }
        + [
            " X: a\r\n", "\tX: a\r\n", "X: a\r\n b\r\n", "X: a\r\n\tTransfer-Encoding: chunked\r\n", "X: a\r\n \r\n",
            "Transfer-Encoding:\r\n chunked\r\n", "Content-Length:\r\n 5\r\n",
        ].map { wrong(get + $0 + "\r\n", .fold) }
        + [
            "X: a\u{0}b\r\n", "X: \u{1}\r\n", "X: a\u{B}b\r\n", "X: a\u{C}b\r\n", "X: a\u{7F}b\r\n",
            "X: a\u{1B}[2J\r\n",
            "Transfer-Encoding: \u{B}chunked\r\n",
        ].map { wrong(get + $0 + "\r\n", .fieldValue) }
        + [
            "X: a\rY: b\r\n", "X: a\r\r\n", "X: a\nY: b\r\n", "X: a\r\n\n", "\n", "X: a\n\r\n",
            "Transfer-Encoding: chunked\n\r\n",
        ].map { wrong(get + $0 + "\r\n", .lineEnd) } + [
            wrong(get + "Expect: x\r\n\r\n", .expectation),
            wrong(get + "Expect: 100-continue, x\r\n\r\n", .expectation),
            wrong(get + "Expect:\r\n\r\n", .expectation),
            wrong(" Host: a\r\n" + get + "\r\n", .startLine),
            wrong("GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n", .fold),
        ]

    static let lengths: [RequestSample] =
        [
            "", "x", "-1", "+5", "5 5", "5,5", "5, 5", "0x5", "5.0", "5e0", "\"5\"", "５", "9223372036854775808",
            "18446744073709551616", "99999999999999999999999999", "5;a", "1_0", "5\u{B7}", "-0", "5 ,",
        ].map { wrong(post + "Content-Length: \($0)\r\n\r\nhello", .length) } + [
            wrong(post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", .length),
            wrong(post + "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello", .length),
            wrong(post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", .length),
            wrong(get + "Content-Length: -5\r\n\r\n", .length),
        ]

    static let codings: [RequestSample] = [
        "gzip", "identity", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked, identity", "xchunked",
        "chunkedx", "chunke", "chunked;q=1", "\"chunked\"", "'chunked'", "", ",chunked", "chunked,", "ch\u{131}nked",
        "chunked chunked", "x chunked",
    ].map { wrong(post + "Transfer-Encoding: \($0)\r\n\r\n0\r\n\r\n", .coding) }

    /// Where the front would see another request than what is behind it.
    static let smuggling: [RequestSample] = [
        // CL.TE and TE.CL.
        post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGET /admin HTTP/1.1\r\n\r\n0\r\n\r\n",
        // TE.TE: one of the two is hidden from one reader.
        post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nTransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
        post + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /p HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        get + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    ].map { wrong($0, .coding) }

    // MARK: Chunks

    static let chunks: [RequestSample] = [
        "\r\n", "x\r\n", "0x5\r\nhello\r\n", "-5\r\nhello\r\n", "+5\r\nhello\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n",
        "5\nhello\r\n", "5\r\nhello0\r\n", "5\r\nhelloX\n", "5\r\nhello\n", "5\r\nhello\r0", "5\rhello\r\n",
        "5;a\nhello\r\n", "5;a\rhello\r\n", "5;a\u{0}\r\nhello\r\n", "5 a\r\nhello\r\n", "5,5\r\nhello\r\n",
        "FFFFFFFFFFFFFFFF\r\nhello\r\n", "8000000000000000\r\nhello", "10000000000000005\r\nhello\r\n", "g\r\n",
        "5;\u{7F}\r\nhello\r\n", "\u{0}5\r\nhello\r\n", "5\r\r\nhello\r\n", "5\r\n\r\nhello\r\n",
        "5;" + String(repeating: "a", count: 1100) + "\r\nhello\r\n",
        String(repeating: "0", count: 1100) + "5\r\nhello\r\n",
        String(repeating: "1;" + String(repeating: "e", count: 1000) + "\r\na\r\n", count: 17),
    ].map { wrong(chunked + $0 + "0\r\n\r\n", .chunk) }

    static let trailers: [RequestSample] = [
        wrong(chunked + "0\r\nX\r\n\r\n", .fieldName), wrong(chunked + "0\r\nX : 1\r\n\r\n", .fieldName),
        wrong(chunked + "0\r\n X: 1\r\n\r\n", .fold), wrong(chunked + "0\r\nX: 1\r\n 2\r\n\r\n", .fold),
        wrong(chunked + "0\r\nX: \u{0}\r\n\r\n", .fieldValue), wrong(chunked + "0\r\nX: 1\n\r\n", .lineEnd),
        wrong(chunked + "0\r\n\n", .lineEnd), wrong(chunked + "0\r\nGET / HTTP/1.1\r\n\r\n", .fieldName),
        wrong(chunked + "0\r\n" + String(repeating: "X: 1\r\n", count: 201) + "\r\n", .tooManyFields),
        wrong(chunked + "0\r\nX: " + String(repeating: "a", count: 66_000) + "\r\n\r\n", .headTooLarge),
        whole(chunked + "0\r\nContent-Length: 7\r\nHost: b\r\n\r\n", "POST", "/p"),
    ]

    // MARK: Bounds

    static let bounds: [RequestSample] = [
        whole(get + String(repeating: "X: 1\r\n", count: 199) + "\r\n", "GET", "/"),
        wrong(get + String(repeating: "X: 1\r\n", count: 200) + "\r\n", .tooManyFields),
        wrong(get + "X: " + String(repeating: "a", count: 66_000) + "\r\n\r\n", .headTooLarge),
        wrong(get + "X: " + String(repeating: "a", count: 66_000), .headTooLarge),
        wrong("GET /" + String(repeating: "a", count: 66_000) + " HTTP/1.1\r\nHost: a\r\n\r\n", .headTooLarge),
        wrong(String(repeating: "A", count: 66_000), .headTooLarge),
    ]

    /// More is to come.
    static let parts: [RequestSample] = [
        part(""), part("\r\n"), part("\r"), part("G"), part("GET / HTTP/1.1\r\n"), part(get), part(get + "\r"),
        part(post + "Content-Length: 6\r\n\r\nhello"), part(post + "Content-Length: 9223372036854775807\r\n\r\n"),
        part(chunked), part(chunked + "5\r\nhello"), part(chunked + "0\r\n"), part(chunked + "0\r\nX: 1\r\n"),
        part(chunked + "7FFFFFFFFFFFFFFF\r\nhello"),
    ]
}
