import Testing

@testable import InvokProxy

/// Answers as an instance might send them, and what they are: from RFC 9110 and RFC 9112, and from the published ways to
/// make two readers see different messages (request smuggling and response splitting, CWE-444 and CWE-113).
struct ResponseSample: Sendable, CustomTestStringConvertible {
    let text: String
    let meaning: FedResponse
    var isHeadRequest = false
    /// Why NIO's parser, llhttp, takes it otherwise; `nil` where it does not.
    var difference: String?

    var testDescription: String { text.count < 80 ? text.debugDescription : text.prefix(60).debugDescription + "…" }

    static func whole(
        _ text: String, _ status: Int, _ body: String, reusable: Bool = true, head: Bool = false,
        difference: String? = nil
    ) -> ResponseSample {
        ResponseSample(
            text: text, meaning: .answer(status, Array(body.utf8), reusable: reusable), isHeadRequest: head,
            difference: difference)
    }

    static func wrong(_ text: String, _ fault: MessageFault, head: Bool = false, difference: String? = nil)
        -> ResponseSample
    {
        ResponseSample(text: text, meaning: .fault(fault), isHeadRequest: head, difference: difference)
    }

    private static let anyCoding =
        "it reads such a body to the end of the connection, or takes the coding for none; here no other is taken (§6.1)"
    private static let anyStatus = "it takes every number for a status, and leaves upgrades to others"
    private static let anyWords = "it takes control characters in the words behind the status"
    private static let noBounds =
        "NIO bounds its heads, but neither trailers nor the lines of chunks, and here not at all"

    private static let ok = "HTTP/1.1 200 OK\r\n"
    private static let chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"

    static let all = framing + startLines + fields + lengths + codings + chunks + trailers + bounds

    // MARK: What is one

    static let framing: [ResponseSample] = [
        whole(ok + "Content-Length: 5\r\n\r\nhello", 200, "hello"),
        whole(ok + "Content-Length: 0\r\n\r\n", 200, ""),
        whole(ok + "content-length:5\r\n\r\nhello", 200, "hello"),
        whole(
            ok + "CONTENT-LENGTH: \t 5 \t\r\n\r\nhello", 200, "hello",
            difference: "it takes no tab behind a length, which is white space there (RFC 9110 §5.5)"),
        whole(ok + "Content-Length: 0005\r\n\r\nhello", 200, "hello"),
        whole(ok + "\r\nuntil the end", 200, "until the end", reusable: false),
        whole(ok + "\r\n", 200, "", reusable: false),
        whole("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole("HTTP/1.1 200 not\u{E9} \t OK\r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole("HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", 999, ""),
        whole("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        whole("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, ""),
        whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""),
        whole("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, ""),
        whole("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", 205, ""),
        whole(ok + "Content-Length: 5\r\n\r\n", 200, "", head: true),
        whole(ok + "Transfer-Encoding: chunked\r\n\r\n", 200, "", head: true),
        whole(ok + "\r\n", 200, "", head: true),
        whole(chunked + "5\r\nhello\r\n0\r\n\r\n", 200, "hello"),
        whole(chunked + "0\r\n\r\n", 200, ""),
        whole(chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, "hello"),
        whole(chunked + "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 200, "01234567890123456789"),
        whole(ok + "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", 200, ""),
        whole(ok + "Transfer-Encoding:  chunked \r\n\r\n0\r\n\r\n", 200, ""),
        whole(ok + "Connection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", reusable: false),
        whole(ok + "Connection: x, CLOSE\r\nContent-Length: 2\r\n\r\nok", 200, "ok", reusable: false),
        whole(ok + "Connection: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", reusable: false),
        whole(ok + "Connection: closed\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        whole(ok + "Connection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        whole("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", reusable: false),
        whole("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        whole("HTTP/1.0 200 OK\r\n\r\nok", 200, "ok", reusable: false),
        whole("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok", 200, "ok", reusable: false),
        whole("HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok", 200, "ok"),
        whole(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok
                + "Content-Length: 2\r\n\r\nok", 200, "ok"),
        // Behind the end: nothing was asked for, so the connection is no good any more, which its owner sees.
        whole(ok + "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", 200, "ok"),
    ]

    // MARK: First lines

    static let startLines: [ResponseSample] = [
        wrong("\r\n" + ok + "\r\n", .startLine, difference: "it passes over empty lines"),
        wrong("nonsense\r\n\r\n", .startLine),
        wrong("HTTP/1.1\r\n\r\n", .startLine),
        wrong("HTTP/1.1 \r\n\r\n", .startLine),
        wrong("HTTP/1.1 20\r\n\r\n", .startLine),
        wrong("HTTP/1.1 20 OK\r\n\r\n", .startLine),
        wrong("HTTP/1.1 2000 OK\r\n\r\n", .startLine),
        wrong("HTTP/1.1 2x0 OK\r\n\r\n", .startLine),
        wrong("HTTP/1.1 -20 OK\r\n\r\n", .startLine),
        wrong("HTTP/1.1  200 OK\r\n\r\n", .startLine),
        wrong("HTTP/1.1\t200 OK\r\n\r\n", .version),
        wrong("HTTP/1.1 200\tOK\r\n\r\n", .startLine),
        wrong("http/1.1 200 OK\r\n\r\n", .startLine),
        wrong(" HTTP/1.1 200 OK\r\n\r\n", .startLine),
        wrong("ICY/1.1 200 OK\r\n\r\n", .startLine),
        wrong("HTTP/2.0 200 OK\r\n\r\n", .version),
        wrong("HTTP/1.2 200 OK\r\n\r\n", .version),
        wrong("HTTP/0.9 200 OK\r\n\r\n", .version),
        wrong("HTTP/1.10 200 OK\r\n\r\n", .version),
        wrong("HTTP/11.1 200 OK\r\n\r\n", .version),
        wrong("HTTP/1,1 200 OK\r\n\r\n", .version),
        wrong("HTTP/1.1 000 None\r\n\r\n", .status(0), difference: anyStatus),
        wrong("HTTP/1.1 099 None\r\n\r\n", .status(99), difference: anyStatus),
        wrong(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", .status(101),
            difference: anyStatus),
        wrong("HTTP/1.1 200 O\u{0}K\r\n\r\n", .startLine, difference: anyWords),
        wrong("HTTP/1.1 200 O\u{7F}K\r\n\r\n", .startLine, difference: anyWords),
        wrong("HTTP/1.1 200 O\rK\r\n\r\n", .lineEnd),
        wrong("HTTP/1.1 200 OK\n\r\n", .lineEnd),
        wrong("HTTP/1.1 200 OK\n\n", .lineEnd),
        wrong("HTTP/1.1 200 OK\r\r\n\r\n", .lineEnd),
        wrong(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 9), .status(100)),
        wrong("HTTP/1.1 100 Continue\r\n\r\nnonsense\r\n\r\n", .startLine),
        wrong("", .cutOff),
        wrong("HTTP/1.1 200 O", .cutOff),
        wrong("HTTP/1.1 100 Continue\r\n\r\n", .cutOff),
        wrong("GET / HTTP/1.1\r\nHost: a\r\n\r\n", .startLine),
    ]

    // MARK: Fields

    static let fields: [ResponseSample] = [
        whole(ok + "X:\r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole(ok + "X: \t \r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole(ok + "!#$%&'*+-.^_`|~09Az: x\r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole(ok + "X: a:b::\"c\", d\tüé\r\nContent-Length: 0\r\n\r\n", 200, ""),
        whole(ok + "Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n", 200, ""),
        wrong(ok + "X : a\r\n\r\n", .fieldName),
        wrong(ok + "X\t: a\r\n\r\n", .fieldName),
        wrong(ok + "Content-Length : 5\r\n\r\nhello", .fieldName),
        wrong(ok + ": a\r\n\r\n", .fieldName),
        wrong(ok + "X\r\n\r\n", .fieldName),
        wrong(ok + "X a\r\n\r\n", .fieldName),
        wrong(ok + "X(a): b\r\n\r\n", .fieldName),
        wrong(ok + "Xé: b\r\n\r\n", .fieldName),
        wrong(ok + "X\u{0}: b\r\n\r\n", .fieldName),
        wrong(ok + "\"X\": b\r\n\r\n", .fieldName),
        wrong(ok + " X: a\r\n\r\n", .fold),
        wrong(ok + "\tX: a\r\n\r\n", .fold),
        wrong(ok + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", .fold),
        wrong(ok + "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", .fold),
        wrong(ok + "X: a\r\n \r\n\r\n", .fold),
        wrong(ok + "X: a\u{0}b\r\n\r\n", .fieldValue),
        wrong(ok + "X: a\u{1}b\r\n\r\n", .fieldValue),
        wrong(ok + "X: a\u{B}b\r\n\r\n", .fieldValue),
        wrong(ok + "X: a\u{7F}b\r\n\r\n", .fieldValue),
        wrong(ok + "X: a\u{1B}[2J\r\n\r\n", .fieldValue),
        wrong(ok + "X: a\rY: b\r\n\r\n", .lineEnd),
        wrong(ok + "X: a\r\r\n\r\n", .lineEnd),
        wrong(ok + "X: a\nY: b\r\n\r\n", .lineEnd),
        wrong(ok + "X: a\r\n\nbody", .lineEnd),
        wrong(ok + "X: a\r\n\r", .cutOff),
        wrong(ok + "X: a\r\n", .cutOff),
    ]

    static let lengths: [ResponseSample] =
        [
            "", "x", "-1", "+5", "5 5", "5,5", "5, 5", "0x5", "5.0", "5e0", "\"5\"", "５", "9223372036854775808",
            "18446744073709551616", "99999999999999999999999999", "5;a", "1_0", "5\u{B7}",
        ].map { wrong(ok + "Content-Length: \($0)\r\n\r\nhello", .length) } + [
            wrong(ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", .length),
            wrong(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", .length),
            wrong(ok + "Content-Length: x\r\n\r\n", .length, head: true),
            wrong("HTTP/1.1 204 No Content\r\nContent-Length: -1\r\n\r\n", .length),
            wrong(ok + "Content-Length: 6\r\n\r\nhello", .cutOff),
            wrong(ok + "Content-Length: 9223372036854775807\r\n\r\nhello", .cutOff),
        ]

    static let codings: [ResponseSample] =
        [
            "gzip", "identity", "gzip, chunked", "chunked, gzip", "chunked, chunked", "xchunked", "chunkedx", "chunke",
            "chunked;q=1", "\"chunked\"", "", ",chunked", "chunked,", "ch\u{131}nked", "\u{B}chunked",
        ].map { value in
            wrong(
                ok + "Transfer-Encoding: \(value)\r\n\r\n0\r\n\r\n", value.contains("\u{B}") ? .fieldValue : .coding,
                difference: value.contains("\u{B}") ? nil : anyCoding)
        } + [
            wrong(
                ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .coding,
                difference: anyCoding),
            wrong(
                ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", .coding,
                difference: anyCoding),
            wrong(ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", .coding),
            wrong(ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", .coding),
            wrong("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .coding, difference: anyCoding),
            wrong(ok + "Transfer-Encoding: gzip\r\n\r\n", .coding, head: true, difference: anyCoding),
        ]

    // MARK: Chunks

    static let chunks: [ResponseSample] =
        [
            whole(chunked + "5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", 200, "hello"),
            whole(
                chunked + "5 \t;a\r\nhello\r\n0\r\n\r\n", 200, "hello",
                difference: "it takes no space there, which §7.1.1 has as bad white space"),
            whole(chunked + "00000000000000000005\r\nhello\r\n000\r\n\r\n", 200, "hello"),
        ]
        + [
            "\r\n", "x\r\n", "0x5\r\nhello\r\n", "-5\r\nhello\r\n", "+5\r\nhello\r\n", " 5\r\nhello\r\n",
            "5 \r\nhello\r\n",
            "5\nhello\r\n", "5\r\nhello0\r\n", "5\r\nhelloX\n", "5\r\nhello\n", "5\r\nhello\r0", "5\rhello\r\n",
            "5;a\nhello\r\n", "5;a\rhello\r\n", "5;a\u{0}\r\nhello\r\n", "5 a\r\nhello\r\n", "5,5\r\nhello\r\n",
            "FFFFFFFFFFFFFFFF\r\nhello\r\n", "8000000000000000\r\nhello", "10000000000000005\r\nhello\r\n", "g\r\n",
            "5;" + String(repeating: "a", count: 1100) + "\r\nhello\r\n",
            String(repeating: "0", count: 1100) + "5\r\nhello\r\n",
            String(repeating: "1;" + String(repeating: "e", count: 1000) + "\r\na\r\n", count: 17),
        ].map { wrong(chunked + $0 + "0\r\n\r\n", .chunk, difference: $0.utf8.count > 1000 ? noBounds : nil) } + [
            wrong(chunked, .cutOff), wrong(chunked + "5", .cutOff), wrong(chunked + "5\r", .cutOff),
            wrong(chunked + "5\r\nhell", .cutOff), wrong(chunked + "5\r\nhello", .cutOff),
            wrong(chunked + "5\r\nhello\r", .cutOff), wrong(chunked + "5\r\nhello\r\n", .cutOff),
            wrong(chunked + "5\r\nhello\r\n0", .cutOff), wrong(chunked + "5\r\nhello\r\n0\r\n", .cutOff),
            wrong(chunked + "5\r\nhello\r\n0\r\n\r", .cutOff),
            wrong(chunked + "7FFFFFFFFFFFFFFF\r\nhello", .cutOff),
        ]

    static let trailers: [ResponseSample] = [
        whole(chunked + "0\r\nX-Sum: 1\r\n\r\n", 200, ""),
        whole(chunked + "0\r\nX: 1\r\nY:\r\n\r\n", 200, ""),
        wrong(chunked + "0\r\nX\r\n\r\n", .fieldName),
        wrong(chunked + "0\r\nX : 1\r\n\r\n", .fieldName),
        wrong(chunked + "0\r\n X: 1\r\n\r\n", .fold),
        wrong(chunked + "0\r\nX: 1\r\n 2\r\n\r\n", .fold),
        wrong(chunked + "0\r\nX: \u{0}\r\n\r\n", .fieldValue),
        wrong(chunked + "0\r\nX: 1\n\r\n", .lineEnd),
        wrong(chunked + "0\r\n\n", .lineEnd),
        wrong(chunked + "0\r\nX: 1\r\n", .cutOff),
        wrong(
            chunked + "0\r\n" + String(repeating: "X: 1\r\n", count: 201) + "\r\n", .tooManyFields, difference: noBounds
        ),
        wrong(
            chunked + "0\r\nX: " + String(repeating: "a", count: 66_000) + "\r\n\r\n", .headTooLarge,
            difference: noBounds),
    ]

    // MARK: Bounds

    static let bounds: [ResponseSample] = [
        whole(ok + String(repeating: "X: 1\r\n", count: 199) + "Content-Length: 0\r\n\r\n", 200, ""),
        wrong(
            ok + String(repeating: "X: 1\r\n", count: 200) + "Content-Length: 0\r\n\r\n", .tooManyFields,
            difference: noBounds),
        wrong(ok + "X: " + String(repeating: "a", count: 66_000) + "\r\n\r\n", .headTooLarge, difference: noBounds),
        wrong(ok + "X: " + String(repeating: "a", count: 66_000), .headTooLarge),
        wrong(
            "HTTP/1.1 200 " + String(repeating: "a", count: 66_000) + "\r\n\r\n", .headTooLarge, difference: noBounds),
        whole(headOf(65_536), 200, ""),
        wrong(headOf(65_537), .headTooLarge, difference: noBounds),
    ]

    private static func headOf(_ bytes: Int) -> String {
        let rest = ok + "Content-Length: 0\r\nX: \r\n\r\n"
        return ok + "Content-Length: 0\r\nX: " + String(repeating: "a", count: bytes - rest.utf8.count) + "\r\n\r\n"
    }
}
