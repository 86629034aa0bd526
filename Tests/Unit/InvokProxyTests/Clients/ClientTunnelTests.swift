import Testing

@testable import InvokProxy

/// What a client's connection does once an upgrade was taken.
struct ClientTunnelTests {
    private static let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    private static let head = "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nX-A: b\r\nconnection: upgrade\r\n\r\n"

    /// A driver that takes each upgrade when told to, and sends back what comes.
    private struct Driven {
        var machine = ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
        var sent: [UInt8] = []
        var received: [UInt8] = []
        /// What else the machine wants, by name.
        var names: [String] = []
        var text: String { String(decoding: sent, as: UTF8.self) }

        mutating func perform(_ actions: [ClientConnectionMachine.Action]) {
            for action in actions {
                switch action {
                case .send(let bytes): sent += bytes
                case .body(let bytes):
                    received += bytes
                    perform(machine.onAnswerBody(bytes))
                    perform(machine.onBodyWanted())
                case .begin: names.append("begin")
                case .bodyEnd: names.append("bodyEnd")
                case .requestEnd: names.append("requestEnd")
                case .answerEnd: names.append("answerEnd")
                case .inputEnd: names.append("inputEnd")
                case .closeOutput: names.append("closeOutput")
                case .close: names.append("close")
                case .abort: names.append("abort")
                case .refuse, .bodyBroken, .interim, .probe: names.append("other")
                }
            }
        }

        mutating func take() {
            let fields = [("Upgrade", "x"), ("Connection", "close"), ("Content-Length", "0"), ("X-A", "b")]
            perform(machine.onAnswerHead(status: 101, reason: "Switching", fields: fields))
            perform(machine.onBodyWanted())
        }
    }

    private static func opened(_ more: String = "") -> Driven {
        var driven = Driven()
        driven.perform(driven.machine.onBytes((request + more).utf8))
        driven.take()
        return driven
    }

    /// The upgrade is taken before the second piece, or behind it.
    @Test(arguments: [false, true])
    func noSplitMakesADifference(takesLate: Bool) {
        let bytes = Array((Self.request + "hello GET / HTTP/1.1\r\n\r\n").utf8)
        for place in Self.request.utf8.count * (takesLate ? 0 : 1)...bytes.count {
            var driven = Driven()
            driven.perform(driven.machine.onBytes(bytes[..<place]))
            if !takesLate { driven.take() }
            if place < bytes.count { driven.perform(driven.machine.onBytes(bytes[place...])) }
            if takesLate { driven.take() }
            #expect(driven.text == Self.head + "hello GET / HTTP/1.1\r\n\r\n", "split at \(place)")
            #expect(driven.received == Array(bytes.dropFirst(Self.request.utf8.count)), "split at \(place)")
            #expect(driven.names == ["begin", "requestEnd"] && driven.machine.wantsRead)
        }
    }

    /// What was sent ahead is for who takes the upgrade alone, and none of it is a request.
    @Test func withoutTheUpgradeWhatWasSentAheadIsDropped() {
        var driven = Driven()
        driven.perform(driven.machine.onBytes((Self.request + Self.request).utf8))
        #expect(!driven.machine.wantsRead, "it waits in the client's system")
        driven.perform(driven.machine.onAnswerHead(status: 200, reason: "OK", fields: [("Content-Length", "0")]))
        driven.perform(driven.machine.onAnswerEnd(trailers: []) + driven.machine.onDone())
        #expect(driven.text == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(driven.names == ["begin", "requestEnd", "answerEnd", "closeOutput"] && driven.received == [])
    }

    @Test func theClientMayEndFirst() {
        var driven = Self.opened("a")
        driven.perform(driven.machine.onInputEnd())
        #expect(driven.names == ["begin", "requestEnd", "inputEnd", "bodyEnd", "requestEnd"])
        driven.perform(driven.machine.onAnswerBody(Array("later".utf8)))
        driven.perform(driven.machine.onAnswerEnd(trailers: []) + driven.machine.onDone())
        #expect(driven.text == Self.head + "alater")
        #expect(driven.names.suffix(2) == ["closeOutput", "answerEnd"] && !driven.machine.isBusy)
    }

    @Test func theFunctionMayEndFirst() {
        var driven = Self.opened()
        driven.perform(driven.machine.onAnswerEnd(trailers: []))
        #expect(driven.names == ["begin", "requestEnd", "closeOutput"], "nothing else has ended")
        driven.perform(driven.machine.onBytes("late".utf8))
        #expect(driven.received == Array("late".utf8) && driven.text == Self.head)
        driven.perform(driven.machine.onInputEnd())
        #expect(driven.names.suffix(2) == ["bodyEnd", "requestEnd"])
        driven.perform(driven.machine.onDone())
        #expect(driven.names.last == "answerEnd" && !driven.machine.wantsRead)
    }

    /// Whoever is left talking is heard no more than any client behind its last answer.
    @Test func whatComesBehindTheEndIsForNobody() {
        var driven = Self.opened()
        driven.perform(driven.machine.onAnswerEnd(trailers: []) + driven.machine.onDone())
        #expect(driven.machine.onBytes(repeatElement(0, count: 100)) == [])
        #expect(driven.machine.onBytes([0]) == [.abort])
    }

    @Test func nothingIsReadThatNobodyWants() {
        var machine = ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
        _ = machine.onBytes(Self.request.utf8)
        _ = machine.onAnswerHead(status: 101, reason: "", fields: [("Upgrade", "x")])
        #expect(!machine.wantsRead)
        #expect(machine.onBodyWanted() == [] && machine.wantsRead)
        #expect(machine.onBytes([1, 2]) == [.body([1, 2])] && !machine.wantsRead)
        // A system reads to the end of the input all the same: nothing of that is lost, up to a bound.
        let piece = [UInt8](repeating: 7, count: 1 << 20)
        for _ in 0..<8 { #expect(machine.onBytes(piece) == []) }
        #expect(machine.onInputEnd() == [.inputEnd])
        guard case .body(let rest) = machine.onBodyWanted().first else {
            Issue.record("no rest")
            return
        }
        #expect(rest.count == 8 << 20)
        #expect(machine.onBodyWanted() == [.bodyEnd, .requestEnd])
        var other = ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
        _ = other.onBytes(Self.request.utf8)
        _ = other.onAnswerHead(status: 101, reason: "", fields: [("Upgrade", "x")])
        for _ in 0..<16 { #expect(other.onBytes(piece) == []) }
        #expect(other.onBytes(piece) == [.abort])
    }

    @Test func aClientThatGoesLeavesWhatItHasSent() {
        var machine = ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
        _ = machine.onBytes((Self.request + "ahead").utf8)
        #expect(machine.takeRest() == [], "there is no tunnel yet")
        _ = machine.onAnswerHead(status: 101, reason: "", fields: [("Upgrade", "x")])
        #expect(machine.takeRest() == Array("ahead".utf8) && machine.takeRest() == [])
    }

    /// More was sent ahead than is kept: what is missing would be missing in the middle.
    @Test func aTunnelWithoutItsBeginningIsNone() {
        var machine = ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
        _ = machine.onBytes(Self.request.utf8)
        for _ in 0..<10 { _ = machine.onBytes(repeatElement(0, count: ClientConnectionMachine.pendingBytes)) }
        #expect(machine.onAnswerHead(status: 101, reason: "", fields: [("Upgrade", "x")]) == [.abort])
    }

    @Test func whoDidNotAskGetsNoTunnel() {
        var machine = ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
        _ = machine.onBytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(machine.onAnswerHead(status: 101, reason: "", fields: [("Upgrade", "x")]) == [.abort])
    }

    @Test func aServerThatStopsLetsATunnelBe() {
        var driven = Self.opened()
        driven.perform(driven.machine.onQuiesce())
        driven.perform(driven.machine.onBytes("a".utf8))
        #expect(driven.text == Self.head + "a" && !driven.names.contains("close"))
    }
}
