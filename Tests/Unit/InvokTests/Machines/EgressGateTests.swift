import Testing

@testable import Invok

struct EgressGateTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func gate(_ list: [String]?, privately: [String] = []) throws -> EgressGate {
        let rules = EgressRules(privateDestinations: try privately.map { try Egress.Destination($0) })
        return EgressGate(EgressPolicy(try list.map { try Egress(list: $0) } ?? .publicInternet, rules: rules))
    }

    private func at(_ seconds: Int) -> Instant { start.advanced(by: .seconds(seconds)) }

    private func lookup(_ gate: EgressGate, _ name: String, type: UInt16 = DNSQuestion.a) throws -> EgressGate.Lookup {
        guard case .ask(let lookup) = gate.onQuery(DNSFixture.query(name, type: type)) else {
            Issue.record("\(name) is not asked for")
            throw InvokError.invalidRequest(name)
        }
        return lookup
    }

    /// Has a name looked up and answered.
    private func answer(
        _ gate: inout EgressGate, _ name: String, _ addresses: [String], seconds: Int = 300, now: Instant? = nil,
        ours: Set<IPAddress> = []
    ) throws -> EgressGate.ResponseStep {
        let isSix = addresses.first?.contains(":") ?? false
        let type = isSix ? DNSQuestion.aaaa : DNSQuestion.a
        let lookup = try lookup(gate, name, type: type)
        let response = DNSFixture.response(
            name, type: type,
            records: try addresses.map { .address(name, try EgressPolicyTests.address($0).bytes, seconds) })
        let step = gate.onResponse(response, to: lookup, id: DNSFixture.id, ours: ours, now: now ?? start)
        return try #require(step)
    }

    private func read(
        _ gate: inout EgressGate, _ response: [UInt8], _ lookup: EgressGate.Lookup
    ) throws -> EgressGate.ResponseStep {
        let step = gate.onResponse(response, to: lookup, id: DNSFixture.id, ours: [], now: start)
        return try #require(step)
    }

    private func isOpen(_ gate: EgressGate, _ address: String, _ port: UInt16, _ seconds: Int = 0) throws -> Bool {
        gate.verdict(on: try EgressPolicyTests.address(address), port: port, ours: [], now: at(seconds)) == .allowed
    }

    // MARK: Names

    @Test func namesThatAreNotListedDoNotExist() throws {
        let gate = try gate(["api.example.com:443", "*.example.org"])
        for name in ["example.com", "evil.com", "example.org", "api.example.com.evil.com", "xapi.example.com"] {
            guard case .reply(let reply, let refused) = gate.onQuery(DNSFixture.query(name)) else {
                Issue.record("\(name) is answered")
                continue
            }
            #expect(DNSFixture.code(reply) == 3 && DNSFixture.answers(reply) == 0)
            #expect(refused?.contains("'\(name)'") == true)
        }
        _ = try lookup(gate, "API.example.COM")
        _ = try lookup(gate, "a.b.example.org")
    }

    @Test func withTheWholeInternetEveryNameIsAskedFor() throws {
        var gate = try gate(nil)
        let step = try answer(&gate, "anything.example", ["8.8.8.8"])
        #expect(step.openings.isEmpty && DNSFixture.addresses(step.reply) == [[8, 8, 8, 8]])
        #expect(try isOpen(gate, "1.1.1.1", 80) && !isOpen(gate, "10.0.0.1", 80))
    }

    @Test func anotherKindOfRecordIsPassedOnAndOpensNothing() throws {
        var gate = try gate(["example.com"])
        let lookup = try lookup(gate, "example.com", type: 16)
        let response = DNSFixture.response("example.com", type: 16, records: [.other("example.com", 16, [2, 65, 66])])
        let step = try read(&gate, response, lookup)
        #expect(step.openings.isEmpty)
        // Under the number that the function gave its query.
        #expect(Array(step.reply[..<2]) == DNSFixture.queryID && Array(step.reply[2...]) == Array(response[2...]))
    }

    /// HTTPS records carry addresses of their own; a transfer of a zone is none of a function's affairs.
    @Test(arguments: [(65, 0), (64, 0), (99, 0), (255, 4), (252, 4), (251, 4)] as [(UInt16, UInt8)])
    func kindsThatAreNotAskedFor(type: UInt16, code: UInt8) throws {
        guard case .reply(let reply, _) = try gate(nil).onQuery(DNSFixture.query("example.com", type: type)) else {
            Issue.record("it is asked for")
            return
        }
        #expect(DNSFixture.code(reply) == code && DNSFixture.answers(reply) == 0)
    }

    // MARK: What an answer opens

    @Test func onlyWhatWasAnsweredIsOpenAndOnlyAtTheListedPort() throws {
        var gate = try gate(["api.example.com:443", "b.example"])
        #expect(try !isOpen(gate, "93.184.216.34", 443))
        let step = try answer(&gate, "api.example.com", ["93.184.216.34"])
        let address = try EgressPolicyTests.address("93.184.216.34")
        #expect(step.openings == [EgressGate.Opening(address: address, port: 443, seconds: 360)])
        #expect(try isOpen(gate, "93.184.216.34", 443))
        #expect(try !isOpen(gate, "93.184.216.34", 80) && !isOpen(gate, "93.184.216.35", 443))
        let all = try answer(&gate, "b.example", ["1.2.3.4"])
        #expect(all.openings.map(\.port) == [nil])
        #expect(try isOpen(gate, "1.2.3.4", 1) && isOpen(gate, "1.2.3.4", 65_535))
    }

    @Test func bothFamiliesAreOpened() throws {
        var gate = try gate(["b.example:443"])
        let step = try answer(&gate, "b.example", ["2606:4700::1", "2606:4700::2"])
        #expect(step.openings.count == 2 && DNSFixture.addresses(step.reply).count == 2)
        #expect(try isOpen(gate, "2606:4700::2", 443))
    }

    @Test(arguments: [(0, 120), (5, 120), (60, 120), (300, 360), (86_400, 3660)])
    func anAddressIsOpenForItsLifetimeAndAMinuteAtLeast(lifetime: Int, seconds: Int) throws {
        var gate = try gate(["b.example"])
        let step = try answer(&gate, "b.example", ["1.2.3.4"], seconds: lifetime)
        #expect(step.openings.map(\.seconds) == [seconds])
        #expect(try isOpen(gate, "1.2.3.4", 80, max(60, min(lifetime, 3600))))
        #expect(try !isOpen(gate, "1.2.3.4", 80, seconds))
    }

    @Test func whatIsOpenForLongEnoughIsNotOpenedAgain() throws {
        var gate = try gate(["b.example"])
        _ = try answer(&gate, "b.example", ["1.2.3.4"], seconds: 5)
        let early = try answer(&gate, "b.example", ["1.2.3.4"], seconds: 5, now: at(60))
        #expect(early.openings.isEmpty)
        let late = try answer(&gate, "b.example", ["1.2.3.4"], seconds: 5, now: at(61))
        #expect(late.openings.map(\.seconds) == [120])
        #expect(try isOpen(gate, "1.2.3.4", 80, 180))
    }

    @Test(arguments: [
        "10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "198.18.0.1", "168.63.129.16",
        "fd00::1",
        "::1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001::1",
    ])
    func aNameThatIsRebound(address: String) throws {
        for list in [["b.example"], ["b.example:80"], nil] {
            var gate = try gate(list)
            let open = address.contains(":") ? "2606:4700::1" : "93.184.216.34"
            let step = try answer(&gate, "b.example", [address, open])
            #expect(DNSFixture.addresses(step.reply) == [try EgressPolicyTests.address(open).bytes])
            #expect(step.refused?.contains(address) == true || step.refused?.contains("b.example") == true)
            #expect(try !isOpen(gate, address, 80))
            let only = try answer(&gate, "b.example", [address])
            #expect(DNSFixture.addresses(only.reply).isEmpty && DNSFixture.code(only.reply) == 0)
            #expect(only.openings.isEmpty)
        }
    }

    /// `::ffff:127.0.0.1` in an AAAA record is 127.0.0.1 to whoever connects to it.
    @Test func aMappedAddressInAnAnswerIsNone() throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example", type: DNSQuestion.aaaa)
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 8, 8, 8, 8]
        let response = DNSFixture.response(
            "b.example", type: DNSQuestion.aaaa, records: [.address("b.example", mapped, 60)])
        let step = try read(&gate, response, lookup)
        #expect(step.openings.isEmpty && DNSFixture.answers(step.reply) == 0)
    }

    @Test func thisServersOwnAddressIsTakenOutOfAnswers() throws {
        var gate = try gate(["b.example"])
        let own = try EgressPolicyTests.address("93.184.216.34")
        let step = try answer(&gate, "b.example", ["93.184.216.34"], ours: [own])
        #expect(step.openings.isEmpty && DNSFixture.answers(step.reply) == 0)
        #expect(step.refused?.contains("this server's address") == true)
    }

    @Test func whatTheOperatorListsIsOpenAtTheOperatorsPortAlone() throws {
        var gate = try gate(["db.example:5432", "other.example:80"], privately: ["10.0.0.5/32:5432"])
        let listed = try answer(&gate, "db.example", ["10.0.0.5"])
        #expect(listed.openings.map(\.port) == [5432])
        #expect(try isOpen(gate, "10.0.0.5", 5432) && !isOpen(gate, "10.0.0.5", 80))
        let other = try answer(&gate, "other.example", ["10.0.0.5"])
        #expect(DNSFixture.answers(other.reply) == 0)
    }

    @Test func listedAddressesNeedNoName() throws {
        let gate = try gate(["93.184.216.0/24:443", "8.0.0.0/6"])
        #expect(try isOpen(gate, "93.184.216.9", 443))
        #expect(try !isOpen(gate, "93.184.216.9", 80) && !isOpen(gate, "93.184.217.9", 443))
        // Of a wide range, what is private stays shut.
        #expect(try isOpen(gate, "9.1.1.1", 80) && !isOpen(gate, "10.1.1.1", 80))
    }

    @Test func thereIsAnEndToWhatIsOpen() throws {
        var gate = try gate(["*.b.example"])
        for number in 0..<EgressGate.maximumOpenings {
            let step = try answer(&gate, "a\(number).b.example", ["1.2.\(number / 256).\(number % 256)"], seconds: 60)
            #expect(step.openings.count == 1)
        }
        let step = try answer(&gate, "x.b.example", ["1.3.0.0"])
        #expect(step.openings.isEmpty && DNSFixture.code(step.reply) == 2 && step.refused != nil)
        #expect(try !isOpen(gate, "1.3.0.0", 80))
        // What was open before can be had again, and once it is over there is room.
        let again = try answer(&gate, "a1.b.example", ["1.2.0.1"], now: at(61))
        #expect(again.openings.count == 1)
        let later = try answer(&gate, "x.b.example", ["1.3.0.0"], now: at(121))
        #expect(later.openings.count == 1)
    }

    // MARK: Hostile messages

    @Test func aliasesAreFollowedFromTheNameThatWasAskedFor() throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example")
        let response = DNSFixture.response(
            "b.example",
            records: [
                .alias("b.example", "c.cdn.example", 10), .address("evil.example", [6, 6, 6, 6], 60),
                .alias("c.cdn.example", "d.cdn.example", 20), .address("d.cdn.example", [1, 2, 3, 4], 3600),
            ])
        let step = try read(&gate, response, lookup)
        #expect(DNSFixture.addresses(step.reply) == [[1, 2, 3, 4]])
        // The shortest lifetime of the chain.
        #expect(step.openings.map(\.seconds) == [120])
        #expect(try !isOpen(gate, "6.6.6.6", 80))
    }

    @Test func aliasesInACircleComeToAnEnd() throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example")
        let response = DNSFixture.response(
            "b.example", records: [.alias("b.example", "c.example", 1), .alias("c.example", "b.example", 1)])
        let step = try read(&gate, response, lookup)
        #expect(step.openings.isEmpty && DNSFixture.answers(step.reply) == 0)
    }

    @Test func whatIsNoAnswerToTheQuestionIsPassedOver() throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example")
        let record = [DNSFixture.Record.address("b.example", [1, 2, 3, 4], 60)]
        var query = DNSFixture.response("b.example", records: record)
        query[2] &= 0x7F
        var wrongID = DNSFixture.response("b.example", records: record)
        wrongID[1] ^= 1
        let others = [
            [], [UInt8](repeating: 0xFF, count: 11), query, wrongID, DNSFixture.response("c.example", records: record),
            DNSFixture.response("b.example", type: DNSQuestion.aaaa, records: record),
            [UInt8](repeating: 0, count: EgressGate.maximumMessageBytes + 1),
        ]
        for bytes in others {
            let step = gate.onResponse(bytes, to: lookup, id: DNSFixture.id, ours: [], now: start)
            #expect(step == nil)
        }
        #expect(try !isOpen(gate, "1.2.3.4", 80))
    }

    @Test(arguments: [(3, 3), (2, 2), (5, 2), (1, 2)] as [(UInt8, UInt8)])
    func failuresArePassedOn(given: UInt8, told: UInt8) throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example")
        var response = DNSFixture.response("b.example", records: [.address("b.example", [1, 2, 3, 4], 60)])
        response[3] = response[3] & 0xF0 | given
        let step = try read(&gate, response, lookup)
        #expect(DNSFixture.code(step.reply) == told && step.openings.isEmpty)
    }

    @Test func everyBeginningAndEveryFlippedBitIsSurvived() throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example")
        let response = DNSFixture.response(
            "b.example", records: [.alias("b.example", "c.example", 5), .address("c.example", [1, 2, 3, 4], 60)])
        let query = DNSFixture.query("b.example")
        for count in 0..<response.count {
            _ = gate.onResponse(Array(response[..<count]), to: lookup, id: DNSFixture.id, ours: [], now: start)
            _ = gate.onQuery(Array(query.prefix(count)))
        }
        for bit in 0..<(response.count * 8) {
            var bytes = response
            bytes[bit / 8] ^= 1 << (bit % 8)
            let step = gate.onResponse(bytes, to: lookup, id: DNSFixture.id, ours: [], now: start)
            // Whatever was made of it, nothing private is open.
            for opening in step?.openings ?? [] { #expect(ReservedAddresses.what(opening.address) == nil) }
        }
        for bit in 0..<(query.count * 8) {
            var bytes = query
            bytes[bit / 8] ^= 1 << (bit % 8)
            _ = gate.onQuery(bytes)
        }
    }

    @Test func namesThatPointAtThemselvesComeToAnEnd() throws {
        var gate = try gate(["b.example"])
        let lookup = try lookup(gate, "b.example")
        let head = DNSFixture.response("b.example", records: [])
        let at = UInt8(head.count)
        // To itself, forwards, and to a label that leads back to the pointer.
        for name in [[0xC0, at], [0xC0, at + 4], [1, 97, 0xC0, at]] as [[UInt8]] {
            var bytes = head + name + [0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4]
            bytes[7] = 1
            let step = try read(&gate, bytes, lookup)
            #expect(DNSFixture.code(step.reply) == 2 && step.openings.isEmpty)
        }
    }

    @Test func queriesThatAreNoneGetAnError() throws {
        let gate = try gate(["b.example"])
        #expect(gate.onQuery([]) == .ignore)
        #expect(gate.onQuery(DNSFixture.response("b.example", records: [])) == .ignore)
        func code(_ change: (inout [UInt8]) -> Void) -> UInt8? {
            var query = DNSFixture.query("b.example")
            change(&query)
            guard case .reply(let reply, nil) = gate.onQuery(query) else { return nil }
            return DNSFixture.code(reply)
        }
        #expect(code { $0[5] = 2 } == 1)  // two questions
        #expect(code { $0[5] = 0 } == 1)
        #expect(code { $0[7] = 1 } == 1)  // an answer in a query
        #expect(code { $0[2] |= 0x28 } == 4)  // an update (RFC 2136)
        #expect(code { $0.removeLast(3) } == 1)
        #expect(code { $0[$0.count - 1] = 3 } == 5)  // CHAOS
        #expect(code { $0[12] = 0xC0 } == 1)  // a pointer
    }

    @Test func manyAddressesFitIntoAnAnswer() throws {
        var gate = try gate(["b.example"])
        let step = try answer(&gate, "b.example", (0..<60).map { "1.2.3.\($0)" })
        #expect(step.reply.count <= 512 && DNSFixture.answers(step.reply) > 20)
    }
}
