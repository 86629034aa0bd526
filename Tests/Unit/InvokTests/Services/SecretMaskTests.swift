import InvokSim
import Testing

@testable import Invok

struct SecretMaskTests {
    private func masked(_ text: String, _ values: String...) throws -> String {
        SecretMask(try values.map { try SecretValue($0) }).masked(text)
    }

    @Test func valuesAreBlottedOutWhereverTheyStand() throws {
        #expect(try masked("token=hunter22, again hunter22!", "hunter22") == "token=***, again ***!")
        #expect(try masked("hunter22", "hunter22") == "***")
        #expect(try masked("hunter2 hunter222", "hunter22") == "hunter2 ***2")
        #expect(try masked("grüße-geheim ü", "grüße-geheim") == "*** ü")
        #expect(try masked("nothing", "hunter22") == "nothing")
        #expect(try masked("", "hunter22").isEmpty)
    }

    @Test func theLongerOfTwoGoesFirst() throws {
        #expect(try masked("secret-one-two secret-one", "secret-one", "secret-one-two") == "*** ***")
    }

    @Test func aTextOfSeveralLinesIsFoundLineByLine() throws {
        let key = "-----BEGIN KEY-----\n  c2VjcmV0\r\n}\n-----END KEY-----\n"
        #expect(try masked("c2VjcmV0 } -----END KEY-----", key) == "*** } ***")
    }

    @Test func whatIsShortIsNotLookedFor() throws {
        #expect(try masked("12345 abc", "12345", "abc") == "12345 abc")
        #expect(try masked("123456", "123456") == "***")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct LogMasksTests {
    private let sim = SimWorld(seed: 1)
    private let key: FunctionKey

    init() throws { key = FunctionKey(namespace: UUIDValue(high: 1, low: 1), name: try FunctionName("hello")) }

    private func line(_ text: String, _ source: LogLine.Source = .stdout) -> LogLine {
        LogLine(time: Timestamp(millisecondsSinceEpoch: 1), source: source, instance: nil, text: text)
    }

    private func written(_ store: MaskedLogStore, _ text: String) async throws -> String? {
        try await store.append([line(text)], to: key)
        return try await sim.logs.lines(of: key, since: nil, limit: 1).last?.line.text
    }

    @Test func oldValuesStayMaskedBesideNewOnes() async throws {
        let store = MaskedLogStore(sim.logs, masks: sim.masks)
        sim.masks.learn([try SecretValue("first-value")], of: key)
        sim.masks.learn([try SecretValue("second-value")], of: key)
        #expect(try await written(store, "first-value second-value") == "*** ***")
        for number in 0..<LogMasks.valueLimit { sim.masks.learn([try SecretValue("value-\(number)")], of: key) }
        #expect(try await written(store, "value-\(LogMasks.valueLimit - 1)") == "***")
    }

    /// As of an instance that an earlier core has started.
    @Test func whatIsNotKnownIsReadAndNothingIsWrittenBefore() async throws {
        let user = User(
            id: key.namespace, email: try Email("a@example.com"), passwordHash: "", role: .developer,
            createdAt: Timestamp(millisecondsSinceEpoch: 1))
        _ = try await sim.store.createUser(user)
        let secret = SecretKey(namespace: key.namespace, name: try SecretName("TOKEN"))
        let value = sim.sealer.seal(try SecretValue("planted-77ab"), of: secret)
        try await sim.store.putSecret(
            StoredSecret(key: secret, value: value, changedAt: user.createdAt), within: Quota())
        let faulty = FaultyStore(sim.store)
        faulty.isAway = true
        let store = MaskedLogStore(sim.logs, masks: LogMasks(store: faulty, sealer: sim.sealer))
        await #expect(throws: LogError.self) { try await store.append([line("planted-77ab", .platform)], to: key) }
        #expect(try await sim.logs.lines(of: key, since: nil, limit: 1).isEmpty)
        faulty.isAway = false
        #expect(try await written(store, "it is planted-77ab") == "it is ***")
    }
}
