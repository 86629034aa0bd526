import HTTPTypes
import Invok
import Testing

@testable import InvokProxy

struct RequestWriterTests {
    private final class Body: RequestBody {
        let isEmpty: Bool
        init(isEmpty: Bool) { self.isEmpty = isEmpty }
        func next() async throws -> [UInt8]? { nil }
    }

    private func written(
        _ method: HTTPRequest.Method = .get, _ path: String = "/a?b", _ fields: [(String, String)] = [],
        hasBody: Bool = false
    ) throws -> String? {
        var head = HTTPRequest(method: method, scheme: nil, authority: nil, path: path)
        for (name, value) in fields {
            head.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        let request = InvocationRequest(head: head, body: Body(isEmpty: !hasBody))
        return RequestWriter(request).map { String(decoding: $0.head, as: UTF8.self) }
    }

    @Test func theHostComesFirstAndTheFramingLast() throws {
        #expect(try written() == "GET /a?b HTTP/1.1\r\nhost: localhost\r\n\r\n")
        #expect(
            try written(.post, "/", [("X-A", "b"), ("Host", "h:1"), ("Content-Length", "3")], hasBody: true)
                == "POST / HTTP/1.1\r\nhost: h:1\r\nX-A: b\r\ncontent-length: 3\r\n\r\n")
        #expect(
            try written(.put, "/", [("Transfer-Encoding", "chunked")], hasBody: true)
                == "PUT / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    /// A length that no body follows would make the next request of the connection the rest of this one.
    @Test func aLengthWithoutABodyIsNone() throws {
        #expect(
            try written(.post, "/", [("Content-Length", "5")])
                == "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
    }

    @Test func whatConcernsOneConnectionStays() throws {
        let fields = [
            ("Connection", "x-one, close"), ("X-One", "1"), ("Keep-Alive", "5"), ("TE", "trailers"), ("Upgrade", "h2c"),
            ("Proxy-Authorization", "a"), ("Expect", "100-continue"), ("Trailer", "b"), ("X-Two", "2"),
        ]
        #expect(try written(.get, "/", fields) == "GET / HTTP/1.1\r\nhost: localhost\r\nX-Two: 2\r\n\r\n")
    }

    @Test func anUpgradeIsOfferedAnew() throws {
        let fields = [
            ("Connection", "x-one, upgrade"), ("X-One", "1"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "a"),
        ]
        #expect(
            try written(.get, "/", fields)
                == "GET / HTTP/1.1\r\nhost: localhost\r\nSec-WebSocket-Key: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        )
        #expect(
            try written(.post, "/", fields, hasBody: true)
                == "POST / HTTP/1.1\r\nhost: localhost\r\nSec-WebSocket-Key: a\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(try written(.head, "/", [("Upgrade", "x")]) == "HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    }

    @Test(arguments: ["a", "", "/a b", "/a\r\nX: y", "/\u{7F}a", "/a\tb"]) func aTargetThatIsNoneIsRefused(path: String)
        throws
    {
        #expect(try written(.get, path) == nil)
    }

    @Test func chunksAreFramed() {
        let chunked = RequestWriter(method: "POST", target: "/", fields: [], framing: .chunked, declaresNothing: false)
        #expect(
            String(decoding: chunked.body(Array(repeating: 0x61, count: 17)), as: UTF8.self)
                == "11\r\naaaaaaaaaaaaaaaaa\r\n")
        // An empty chunk would be the last.
        #expect(chunked.body([]) == [])
        #expect(String(decoding: chunked.end, as: UTF8.self) == "0\r\n\r\n")
        let plain = RequestWriter(method: "POST", target: "/", fields: [], framing: .length(2), declaresNothing: false)
        #expect(plain.body([1, 2]) == [1, 2] && plain.end == [])
    }
}
