import Testing

@testable import InvokProxy

/// Whatever comes, and however it was split on its way, it is read as the standard says, or not at all.
struct ResponseReaderTests {
    @Test(arguments: ResponseSample.all) func isReadAsTheStandardSays(sample: ResponseSample) {
        let bytes = Array(sample.text.utf8)
        #expect(FedResponse([bytes[...]], isHeadRequest: sample.isHeadRequest) == sample.meaning)
    }

    @Test(arguments: ResponseSample.all) func noSplitMakesADifference(sample: ResponseSample) {
        let bytes = Array(sample.text.utf8)
        let single = bytes.indices.map { bytes[$0...$0] }
        #expect(FedResponse(single, isHeadRequest: sample.isHeadRequest) == sample.meaning, "byte by byte")
        // Every place of a short one; of a long one those at its ends, where something may happen.
        let places = bytes.count < 2000 ? Array(0...bytes.count) : Array(0..<20) + (bytes.count - 20..<bytes.count)
        for place in places {
            let meaning = FedResponse([bytes[..<place], bytes[place...]], isHeadRequest: sample.isHeadRequest)
            #expect(meaning == sample.meaning, "split at \(place)")
        }
    }

    private static let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: X\r\n"

    private static func tunnel(_ text: String) -> FedResponse { .answer(101, Array(text.utf8), reusable: false) }

    private static let upgrades: [(text: String, meaning: FedResponse)] = [
        (switching + "\r\n", tunnel("")),
        (switching + "\r\nHTTP/1.1 200 OK\r\n\r\n", tunnel("HTTP/1.1 200 OK\r\n\r\n")),
        (switching + "Content-Length: 0\r\n\r\na", tunnel("a")),
        ("HTTP/1.1 100 Continue\r\n\r\n" + switching + "\r\na", tunnel("a")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nUpgrade: x\r\n\r\na", .answer(200, [0x61], reusable: true)),
        (switching + "Content-Length: 1\r\n\r\na", .fault(.length)),
        (switching + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .fault(.coding)),
        ("HTTP/1.1 101 Switching\r\nUpgrade: other\r\n\r\n", .fault(.status(101))),
        ("HTTP/1.1 101 Switching\r\n\r\n", .fault(.status(101))),
        ("HTTP/1.0 101 Switching\r\nUpgrade: x\r\n\r\n", .fault(.status(101))),
        (switching, .fault(.cutOff)),
    ]

    @Test(arguments: upgrades.indices)
    func anUpgradeThatWasAskedForIsATunnel(index: Int) {
        let (text, meaning) = Self.upgrades[index]
        let bytes = Array(text.utf8)
        let single = bytes.indices.map { bytes[$0...$0] }
        #expect(FedResponse(single, isHeadRequest: false, upgrade: "x, y") == meaning, "byte by byte")
        for place in 0...bytes.count {
            let pieces = [bytes[..<place], bytes[place...]]
            #expect(FedResponse(pieces, isHeadRequest: false, upgrade: "x, y") == meaning, "split at \(place)")
        }
    }

    @Test func partsAreWhereTheyAre() throws {
        let bytes = Array("HTTP/1.1 404 Not Found\r\nX-A:  b c \r\nConnection: x, y\r\nContent-Length: 0\r\n\r\n".utf8)
        var reader = ResponseReader(limits: HeadLimits(), isHeadRequest: false)
        guard case .head(let head) = try bytes.withUnsafeBytes({ try reader.next($0) }).part else {
            Issue.record("no head")
            return
        }
        #expect(head.status == 404 && String(decoding: head.head.bytes[head.reason], as: UTF8.self) == "Not Found")
        let texts = head.head.fields.map { field in
            [head.head.name(field), head.head.value(field)].map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(texts == [["X-A", "b c"], ["Connection", "x, y"], ["Content-Length", "0"]])
        #expect(head.head.lists("y", in: "connection") && !head.head.lists("z", in: "connection"))
    }

    @Test func trailersComeWithTheEnd() throws {
        let bytes = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 7\r\n\r\n".utf8)
        var reader = ResponseReader(limits: HeadLimits(), isHeadRequest: false)
        let first = try bytes.withUnsafeBytes { try reader.next($0) }
        let second = try bytes[first.skipped...].withUnsafeBytes { try reader.next($0) }
        guard case .end(let trailers?, isReusable: true) = second.part else {
            Issue.record("no end with trailers")
            return
        }
        #expect(trailers.values("x-sum").map { String(decoding: $0, as: UTF8.self) } == ["7"])
        #expect(first.skipped + second.skipped == bytes.count)
    }
}
