import Testing

@testable import InvokDocker

@Suite struct EventLinesTests {
    /// As Docker Engine 20.10 writes it.
    private let die = #"""
        {"status":"die","id":"4f2e","from":"invok/go-base:local","Type":"container","Action":"die","Actor":{"ID":"4f2e","Attributes":{"exitCode":"3","image":"invok/go-base:local","invok.instance":"hello-3b34e10d6d1bafe58fac-1-7","name":"hello-3b34e10d6d1bafe58fac-1-7"}},"scope":"local","time":1795371477,"timeNano":1795371477076975690}
        """#

    @Test func readsEventsWhereverTheBytesAreCut() {
        let bytes = Array("\(die)\n{\"not\":\"ours\"}\r\n\(die)\n".utf8)
        for size in [1, 10, bytes.count] {
            var lines = EventLines()
            var events: [EventMessage] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += lines.append(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(events.count == 2)
            #expect(events.first?.action == "die" && events.first?.actor.id == "4f2e")
            #expect(events.first?.actor.attributes?["invok.instance"] == "hello-3b34e10d6d1bafe58fac-1-7")
        }
    }
}
