import Testing

@testable import InvokProxy

/// What a client's connection does with bytes and events, as the driver sees it.
struct ClientConnectionMachineTests {
    typealias Action = ClientConnectionMachine.Action

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func machine() -> ClientConnectionMachine {
        ClientConnectionMachine(limits: HeadLimits(), lingerBytes: 100)
    }

    private static func post(_ body: String, length: Int? = nil, fields: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(length ?? body.utf8.count)\r\n\r\n\(body)"
    }

    /// The names of actions, with what is sent.
    private static func names(_ actions: [Action]) -> [String] {
        actions.map { action in
            switch action {
            case .begin(let head): "begin \(String(decoding: head.head.bytes[head.method], as: UTF8.self))"
            case .refuse(let fault): "refuse \(fault)"
            case .body(let bytes): "body \(String(decoding: bytes, as: UTF8.self))"
            case .bodyEnd: "bodyEnd"
            case .bodyBroken: "bodyBroken"
            case .requestEnd: "requestEnd"
            case .send(let bytes): "send \(String(decoding: bytes, as: UTF8.self))"
            case .interim: "interim"
            case .probe(let bytes): "probe \(String(decoding: bytes, as: UTF8.self))"
            case .answerEnd: "answerEnd"
            case .inputEnd: "inputEnd"
            case .closeOutput: "closeOutput"
            case .close: "close"
            case .abort: "abort"
            }
        }
    }

    private static func answer(_ machine: inout ClientConnectionMachine, _ body: String = "ok") -> [String] {
        names(
            machine.onAnswerHead(status: 200, reason: "OK", fields: [("Content-Length", "\(body.utf8.count)")])
                + machine.onAnswerBody(Array(body.utf8)) + machine.onAnswerEnd(trailers: []) + machine.onDone())
    }

    private static let ok = ["send HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "send ok", "answerEnd"]

    @Test func requestsComeOneAfterTheOther() {
        var machine = Self.machine()
        #expect(machine.wantsRead && !machine.isBusy)
        #expect(Self.names(machine.onBytes((Self.get + Self.get + Self.get).utf8)) == ["begin GET", "requestEnd"])
        // What is sent ahead waits, and no more is read.
        #expect(machine.isBusy && !machine.wantsRead)
        #expect(Self.answer(&machine) == Self.ok + ["begin GET", "requestEnd"])
        #expect(Self.answer(&machine) == Self.ok + ["begin GET", "requestEnd"])
        // One read more shows when the client goes.
        #expect(machine.wantsRead)
        #expect(Self.answer(&machine) == Self.ok)
        #expect(!machine.isBusy && machine.wantsRead)
    }

    @Test func aBodyIsReadAsItIsWanted() {
        var machine = Self.machine()
        #expect(Self.names(machine.onBytes(Self.post("abc", length: 6).utf8)) == ["begin POST"])
        #expect(!machine.wantsRead)
        #expect(Self.names(machine.onBodyWanted()) == ["body abc"])
        #expect(Self.names(machine.onBodyWanted()) == [])
        #expect(machine.wantsRead)
        // Whoever knows the length does not ask for the end.
        #expect(Self.names(machine.onBytes("defGET".utf8)) == ["body def", "requestEnd"])
        #expect(Self.names(machine.onBodyWanted()) == ["bodyEnd"])
        #expect(Self.answer(&machine) == Self.ok)
        #expect(Self.names(machine.onBytes(Self.get.dropFirst(3).utf8)) == ["begin GET", "requestEnd"])
    }

    /// What nobody reads is dropped up to a bound, so that the client sees the answer; then the connection goes on.
    @Test(arguments: [(50, ["begin GET", "requestEnd"]), (200, ["abort"])])
    func aBodyThatNobodyReadsIsDropped(bytes: Int, then: [String]) {
        var machine = Self.machine()
        #expect(Self.names(machine.onBytes(Self.post("", length: bytes).utf8)) == ["begin POST"])
        #expect(Self.answer(&machine) == Self.ok)
        #expect(machine.wantsRead)
        let rest = Array(repeating: UInt8(ascii: "x"), count: bytes) + Array(Self.get.utf8)
        let names = Self.names(machine.onBytes(rest)).filter { $0 != "requestEnd" || then.contains($0) }
        #expect(names.first == then.first || names.dropFirst().first == then.first, "\(names)")
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n",
    ])
    func theLastRequestEndsTheConnection(request: String) {
        var machine = Self.machine()
        _ = machine.onBytes((request + Self.get).utf8)
        let names = Self.answer(&machine)
        #expect(names.first == "send HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n")
        #expect(names.last == "closeOutput")
        // What comes then is dropped, up to a bound.
        #expect(machine.onBytes(Array(repeating: 0, count: 100)) == [])
        #expect(machine.onBytes([0]) == [.abort])
    }

    @Test func anOldClientGetsNoChunks() {
        var machine = Self.machine()
        _ = machine.onBytes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".utf8)
        // Only the end of the connection tells it where an answer without a length ends.
        let names = Self.names(
            machine.onAnswerHead(status: 200, reason: "OK", fields: []) + machine.onAnswerBody([0x61])
                + machine.onAnswerEnd(trailers: [("X", "1")]) + machine.onDone())
        #expect(names == ["send HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n", "send a", "answerEnd", "closeOutput"])
        var other = Self.machine()
        _ = other.onBytes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".utf8)
        #expect(
            Self.answer(&other)
                == [
                    "send HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n", "send ok",
                    "answerEnd",
                ])
        #expect(other.wantsRead)
    }

    @Test(arguments: [("HEAD", 200, "transfer-encoding: chunked\r\n"), ("GET", 204, ""), ("GET", 304, "")])
    func noBytesFollowWhereNoneBelong(method: String, status: Int, framing: String) {
        var machine = Self.machine()
        _ = machine.onBytes("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let names = Self.names(
            machine.onAnswerHead(status: status, reason: "", fields: []) + machine.onAnswerBody([1, 2])
                + machine.onAnswerEnd(trailers: []) + machine.onDone())
        #expect(names == ["send HTTP/1.1 \(status) \r\n\(framing)\r\n", "answerEnd"])
    }

    @Test func chunksAndTrailersAreFramed() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.get.utf8)
        let names = Self.names(
            machine.onAnswerHead(
                status: 200, reason: "OK", fields: [(name: "Connection", value: "x"), (name: "X", value: "1")])
                + machine.onAnswerBody(Array("hello".utf8)) + machine.onAnswerBody([])
                + machine.onAnswerEnd(trailers: [("Sum", "2")]) + machine.onDone())
        #expect(
            names == [
                "send HTTP/1.1 200 OK\r\nX: 1\r\ntransfer-encoding: chunked\r\n\r\n", "send 5\r\nhello\r\n",
                "send 0\r\nSum: 2\r\n\r\n", "answerEnd",
            ])
    }

    /// A client must not take a part for the whole, nor the rest for the next answer.
    @Test(arguments: [("abc", ["abort"]), ("abcdefg", ["answerEnd", "closeOutput"])])
    func anAnswerOfAnotherLengthThanItSaysEndsTheConnection(body: String, end: [String]) {
        var machine = Self.machine()
        _ = machine.onBytes(Self.get.utf8)
        _ = machine.onAnswerHead(status: 200, reason: "OK", fields: [("Content-Length", "5")])
        #expect(Self.names(machine.onAnswerBody(Array(body.utf8))) == ["send \(body.prefix(5))"])
        let names = Self.names(machine.onAnswerEnd(trailers: []))
        #expect(names == [end[0]])
        if end.count > 1 { #expect(Self.names(machine.onDone()) == [end[1]]) }
    }

    @Test func whatIsNoRequestIsAnsweredAndEnds() {
        var machine = Self.machine()
        #expect(Self.names(machine.onBytes((Self.get + "nonsense\r\n\r\n").utf8)) == ["begin GET", "requestEnd"])
        #expect(
            Self.answer(&machine) == Self.ok + ["refuse a first line that is not HTTP"])
        let names = Self.names(
            machine.onRefusal(status: 400, reason: "Bad", fields: [("Content-Length", "1")], body: [0x78]))
        #expect(names == ["send HTTP/1.1 400 Bad\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx", "closeOutput"])
        #expect(machine.onBytes(Self.get.utf8) == [])
    }

    /// Found by the fuzzer: behind a body that nobody reads it was refused twice, and answered twice.
    @Test func whatIsNoRequestIsRefusedOnce() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.post("a", length: 3).utf8)
        #expect(Self.answer(&machine) == Self.ok)
        #expect(Self.names(machine.onBytes("bc\"".utf8)) == ["requestEnd", "refuse a first line that is not HTTP"])
        #expect(machine.onBytes(Self.get.utf8) == [] && !machine.wantsRead)
    }

    @Test func aClientThatWaitsIsToldToGoOn() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.post("", length: 2, fields: "Expect: 100-continue\r\n").utf8)
        #expect(Self.names(machine.onBodyWanted()) == ["interim"])
        #expect(Self.names(machine.onBodyWanted()) == [])
        #expect(Self.names(machine.onBytes("ab".utf8)) == ["body ab", "requestEnd"])
        // Not once the answer has begun.
        var other = Self.machine()
        _ = other.onBytes(Self.post("", length: 2, fields: "Expect: 100-continue\r\n").utf8)
        _ = other.onAnswerHead(status: 200, reason: "OK", fields: [])
        #expect(Self.names(other.onBodyWanted()) == [])
    }

    // MARK: The end of input

    @Test func aClientThatHasEndedItsSendingMayStillRead() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.get.utf8)
        #expect(machine.onWatch() == [])
        #expect(Self.names(machine.onInputEnd()) == ["inputEnd", "interim"])
        #expect(!machine.wantsRead)
        let names = Self.answer(&machine)
        #expect(names[0].contains("connection: close") && names.last == "close")
    }

    /// A byte is sent by which its system tells whether it has gone, and which changes nothing for one that still reads.
    @Test func aClientThatEndsItsSendingWhileAnAnswerStreams() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.get.utf8)
        _ = machine.onWatch()
        _ = machine.onAnswerHead(status: 200, reason: "OK", fields: [])
        #expect(Self.names(machine.onAnswerBody(Array("a".utf8))) == ["send 1\r\na\r\n"])
        #expect(Self.names(machine.onInputEnd()) == ["inputEnd", "probe 0"])
        #expect(Self.names(machine.onAnswerBody(Array("b".utf8))) == ["send 1\r\nb\r\n"])
        // A length was said: what is not of the body would be taken for it.
        var other = Self.machine()
        _ = other.onBytes(Self.get.utf8)
        _ = other.onWatch()
        _ = other.onAnswerHead(status: 200, reason: "OK", fields: [("content-length", "2")])
        #expect(Self.names(other.onInputEnd()) == ["inputEnd"])
    }

    @Test func whatWasSentBeforeTheEndIsAnswered() {
        var machine = Self.machine()
        _ = machine.onBytes((Self.get + Self.get + "GET").utf8)
        #expect(Self.names(machine.onInputEnd()) == ["inputEnd"])
        #expect(Self.answer(&machine) == Self.ok + ["begin GET", "requestEnd"])
        // What is left is no request any more.
        #expect(Self.answer(&machine).last == "close")
    }

    @Test func aBodyThatBreaksOff() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.post("abc", length: 6).utf8)
        _ = machine.onBodyWanted()
        _ = machine.onBodyWanted()
        #expect(Self.names(machine.onInputEnd()) == ["inputEnd", "bodyBroken"])
        #expect(Self.names(machine.onBodyWanted()) == ["bodyBroken"])
        var other = Self.machine()
        _ = other.onBytes("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nx\r\n".utf8)
        #expect(Self.names(other.onBodyWanted()) == ["body a"])
        #expect(Self.names(other.onBodyWanted()) == ["bodyBroken"])
        #expect(Self.names(other.onBodyWanted()) == ["bodyBroken"])
        #expect(Self.answer(&other).last == "closeOutput")
    }

    /// A body that came before the end is whole.
    @Test func whatCameBeforeTheEndIsRead() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.post("abc").utf8)
        #expect(Self.names(machine.onInputEnd()) == ["inputEnd"])
        #expect(Self.names(machine.onBodyWanted()) == ["body abc", "requestEnd"])
        #expect(Self.answer(&machine).last == "close")
    }

    /// The system reads on to the end of the input, wanted or not.
    @Test func noMoreIsKeptThanMayBe() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.get.utf8)
        for _ in 0..<1000 { #expect(machine.onBytes(Self.get.utf8.prefix(1000)) == []) }
        for _ in 0..<100 { _ = machine.onBytes(repeatElement(0x61, count: 1000)) }
        var count = 0
        while Self.answer(&machine).contains("begin GET") { count += 1 }
        #expect(count <= ClientConnectionMachine.pendingBytes / Self.get.utf8.count)
    }

    @Test func anIdleClientThatEndsIsClosed() {
        var machine = Self.machine()
        #expect(machine.onInputEnd() == [.close])
        var partial = Self.machine()
        _ = partial.onBytes("GET /".utf8)
        #expect(partial.onInputEnd() == [.close])
    }

    @Test func stoppingEndsIdleConnectionsAndLetsOthersFinish() {
        var idle = Self.machine()
        #expect(idle.onQuiesce() == [.close])
        var busy = Self.machine()
        _ = busy.onBytes((Self.get + Self.get).utf8)
        #expect(busy.onQuiesce() == [])
        let names = Self.answer(&busy)
        #expect(names[0].contains("connection: close") && names.last == "closeOutput")
    }

    /// An answer that is never given, or given in part, ends the connection.
    @Test func whoeverAnswersNothingEndsTheConnection() {
        var machine = Self.machine()
        _ = machine.onBytes(Self.get.utf8)
        #expect(machine.onDone() == [.abort])
        var part = Self.machine()
        _ = part.onBytes(Self.get.utf8)
        _ = part.onAnswerHead(status: 200, reason: "OK", fields: [])
        #expect(part.onDone() == [.abort])
    }
}
