import Testing

@testable import InvokCLI

@Suite struct EventStreamTests {
    @Test func readsEventsInPiecesOfAnySize() {
        let text = "\u{FEFF}id: 7\r\ndata: a\r\ndata:b\r\n\r\n: keep-alive\n\nevent: end\rdata\r\rdata: cut"
        for size in 1...9 {
            var parser = EventStreamParser()
            var events: [ServerEvent] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                events += parser.feed(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(
                events == [
                    ServerEvent(name: "message", data: "a\nb", id: "7"), ServerEvent(name: "end", data: "", id: "7"),
                ], "in pieces of \(size)")
            #expect(parser.lastEventID == "7")
        }
    }

    @Test func anEventWithoutDataOnlyMovesTheCursor() {
        var parser = EventStreamParser()
        #expect(parser.feed("id: 9\n\n".utf8).isEmpty)
        #expect(parser.lastEventID == "9")
        #expect(parser.feed("id: 1\0\n\n".utf8).isEmpty)
        #expect(parser.lastEventID == "9")
    }

    @Test func aLineWithoutEndTakesNoMemoryWithoutEnd() {
        var parser = EventStreamParser()
        let long = "data: " + String(repeating: "x", count: EventStreamParser.maximumLineBytes) + "\n\n"
        #expect(parser.feed(long.utf8).isEmpty)
        #expect(parser.feed("data: next\n\n".utf8).map(\.data) == ["next"])
    }

    @Test func aNewConnectionForgetsTheHalfEvent() {
        var parser = EventStreamParser()
        _ = parser.feed("id: 3\ndata: a\n\ndata: hal".utf8)
        parser = parser.reconnected
        #expect(parser.feed("data: b\n\n".utf8) == [ServerEvent(data: "b", id: "3")])
    }
}
