import Invok
import InvokSim
import Testing

@testable import InvokSimNetwork
@testable import InvokSimulation

/// What a client received against what a function has sent.
struct SimCheckerBytesTests {
    private let function: FunctionKey

    init() throws { function = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("one")) }

    private func entry(_ body: String, isWhole: Bool = true) -> SimLedger.Entry {
        let entry = SimLedger.Entry(function, method: "GET", fields: [], isReused: false)
        entry.status = 200
        entry.fields = [
            (name: "X-Sim-Version", value: "1"), (name: "Connection", value: "x-hop"), (name: "X-Hop", value: "1"),
            (name: "Server", value: "mine"), (name: "Content-Length", value: "5"),
        ]
        entry.body = Array(body.utf8)
        entry.isWhole = isWhole
        return entry
    }

    private func received(_ body: String, isWhole: Bool = true) -> SimHTTPClient.Received {
        var received = SimHTTPClient.Received()
        received.status = 200
        received.fields = [(name: "x-sim-version", value: "1"), (name: "Date", value: "now")]
        received.body = Array(body.utf8)
        received.isWhole = isWhole
        return received
    }

    private func violations(
        of received: SimHTTPClient.Received, from entries: [SimLedger.Entry]
    ) -> [String] {
        let checker = SimChecker(clock: SimClock())
        checker.onBytes(received, of: entries, id: "1")
        return checker.violations
    }

    @Test func whatWasSentMayBeReceived() {
        #expect(violations(of: received("hello"), from: [entry("hello")]) == [])
        #expect(violations(of: received("he", isWhole: false), from: [entry("hello")]) == [])
        // It was sent twice, and the first time broke off.
        let entries = [entry("", isWhole: false), entry("hello")]
        #expect(violations(of: received("hello"), from: entries) == [])
    }

    @Test(arguments: ["hellO", "hell", "hello!", ""])
    func noOtherBytesAreTheWholeOfIt(body: String) {
        #expect(violations(of: received(body), from: [entry("hello")]).count == 1)
    }

    @Test func aPartIsNotTheWhole() {
        let entry = entry("hel", isWhole: false)
        #expect(violations(of: received("hel"), from: [entry]).count == 1)
        #expect(violations(of: received("hex", isWhole: false), from: [entry]).count == 1)
    }

    @Test func theStatusAndTheFieldsAreThoseThatWereSent() {
        var other = received("hello")
        other.status = 201
        #expect(violations(of: other, from: [entry("hello")]).count == 1)
        for field in [("x-hop", "1"), ("x-sim-version", "1"), ("x-other", "1")] {
            var other = received("hello")
            other.fields.append((name: field.0, value: field.1))
            #expect(violations(of: other, from: [entry("hello")]).count == 1)
        }
        var less = received("hello")
        less.fields[0].value = "2"
        #expect(violations(of: less, from: [entry("hello")]).count == 1)
    }

    @Test func anAnswerToARequestThatNoFunctionGotIsNone() {
        #expect(violations(of: received("hello"), from: []).count == 1)
        var ofTheServer = received("hello")
        ofTheServer.fields = []
        #expect(violations(of: ofTheServer, from: []) == [])
    }

    @Test func whatIsNoAnswerIsSeen() {
        var fault = received("")
        fault.fields.append((name: "x-sim-fault", value: "a chunk that is none"))
        #expect(violations(of: fault, from: [entry("hello")]).count == 1)
    }

    // MARK: Twice

    private func arrivals(_ method: String, isReused: Bool, isBroken: Bool, hasBody: Bool) -> Int {
        var wrong = 0
        let ledger = SimLedger { holds, _ in if !holds { wrong += 1 } }
        let first = SimLedger.Entry(function, method: method, fields: [], isReused: isReused)
        first.isBroken = isBroken
        first.requestBody = hasBody ? [1] : []
        _ = ledger.add(first, of: "1")
        _ = ledger.add(SimLedger.Entry(function, method: method, fields: [], isReused: false), of: "1")
        return wrong
    }

    @Test func aRequestReachesASecondInstanceOnlyWhereThatIsSafe() {
        #expect(arrivals("GET", isReused: true, isBroken: true, hasBody: false) == 0)
        #expect(arrivals("POST", isReused: true, isBroken: true, hasBody: false) == 1)
        #expect(arrivals("GET", isReused: false, isBroken: true, hasBody: false) == 1)
        #expect(arrivals("GET", isReused: true, isBroken: false, hasBody: false) == 1)
        #expect(arrivals("PUT", isReused: true, isBroken: true, hasBody: true) == 1)
    }
}
