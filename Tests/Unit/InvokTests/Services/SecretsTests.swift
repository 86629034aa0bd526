import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct SecretsTests {
    private func archive(_ secrets: String, _ directive: String = "env TOKEN") -> [UInt8] {
        var zip = ZipWriter()
        zip.add(
            "config.json",
            content: Array(#"{"function_name":"hello","runtime":"python","secrets":\#(secrets)}"#.utf8))
        zip.add("function.py", content: Array("# sim: \(directive)\n".utf8))
        return zip.finish()
    }

    private func deploy(
        _ rig: Rig, _ secrets: String = #"["TOKEN"]"#, _ directive: String = "env TOKEN", as owner: Principal
    ) async throws {
        _ = try await rig.deployments.deploy(
            archive: archive(secrets, directive), fileName: "hello.zip", namespace: nil, access: .public, as: owner)
    }

    private func key(_ owner: Principal, of function: String? = nil, _ name: String = "TOKEN") throws -> SecretKey {
        SecretKey(
            namespace: owner.namespace, function: try function.map { try FunctionName($0) },
            name: try SecretName(name))
    }

    private func says(_ rig: Rig, _ owner: Principal) async throws -> String {
        String(decoding: try await rig.invoke(rig.key(owner)).body, as: UTF8.self)
    }

    @Test func aMissingSecretIsNamedBeforeAnythingIsBuilt() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running { () async throws in
            let error = await #expect(throws: InvokError.self) { try await deploy(rig, as: owner) }
            #expect(error?.code == .invalidConfig && error?.message == "the secret 'TOKEN' is not set")
            #expect(error?.nextStep == "set it with 'invok secret set TOKEN -n hello'")
            #expect(try await rig.versions(owner).isEmpty)
            let two = await #expect(throws: InvokError.self) { try await deploy(rig, #"["B","A"]"#, as: owner) }
            #expect(two?.message == "the secrets 'B', 'A' are not set")
        }
    }

    @Test func aFunctionsOwnGoesBeforeItsNamespaces() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            _ = try await rig.secrets.set(key(owner), to: SecretValue("of the namespace"), as: owner)
            try await deploy(rig, as: owner)
            #expect(try await says(rig, owner) == "of the namespace")
            let set = try await rig.secrets.set(
                key(owner, of: "hello"), to: SecretValue("its own"), restarts: true, as: owner)
            #expect(set.restarted.map(\.description) == ["hello"])
            try await rig.eventually { try await says(rig, owner) == "its own" }
            // The one of the namespace is nobody's any more, and may go; that of the function is needed.
            let other = try await rig.secrets.set(key(owner), to: SecretValue("other"), restarts: true, as: owner)
            #expect(other.restarted.isEmpty)
            try await rig.secrets.remove(key(owner), isForced: false, as: owner)
            #expect(
                await code { try await rig.secrets.remove(key(owner, of: "hello"), isForced: false, as: owner) }
                    == .conflict)
            try await rig.secrets.remove(key(owner, of: "hello"), isForced: true, as: owner)
            #expect(
                await code { try await rig.secrets.remove(key(owner, of: "hello"), isForced: true, as: owner) }
                    == .notFound)
            #expect(try await says(rig, owner) == "its own", "who has it keeps it")
        }
    }

    @Test func aStartWaitsForAStoreThatIsAway() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            _ = try await rig.secrets.set(key(owner), to: SecretValue("planted"), as: owner)
            try await deploy(rig, as: owner)
            await rig.sim.engine.crash(try #require(rig.sim.engine.running.first).id)
            rig.store.set("secretsOfFunction", .refused)
            async let answer = says(rig, owner)
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return rig.dispatcher.load(of: try rig.key(owner)).requests == 1
            }
            rig.store.set("secretsOfFunction", nil)
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return !rig.sim.engine.running.isEmpty
            }
            #expect(try await answer == "planted")
        }
    }

    @Test func theNumberIsHeldToTheQuotaAndDeletingAFunctionTakesItsOwn() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.secrets: 2]) }
        let owner = try await rig.user()
        try await rig.running {
            let value = try SecretValue("planted")
            _ = try await rig.secrets.set(key(owner), to: value, as: owner)
            _ = try await rig.secrets.set(key(owner, of: "hello"), to: value, as: owner)
            _ = try await rig.secrets.set(key(owner), to: value, as: owner)
            #expect(await code { try await rig.secrets.set(key(owner, "B"), to: value, as: owner) } == .quotaExceeded)
            try await deploy(rig, as: owner)
            try await rig.functions.delete(rig.key(owner), as: owner)
            #expect(try await rig.secrets.list(owner.namespace, as: owner).map(\.key) == [key(owner)])
        }
    }

    private func key(_ owner: Principal, _ name: String) throws -> SecretKey { try key(owner, of: nil, name) }

    @Test func buildsHaveTheirOwnAndNeitherTheirLogNorTheFunctionDoes() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let secret = SecretKey(
                namespace: owner.namespace, purpose: .build, name: try SecretName("TOKEN"))
            _ = try await rig.secrets.set(secret, to: SecretValue("planted-77ab"), as: owner)
            let lines = Lines()
            let deployment = try await rig.deployments.deploy(
                archive: archive("[]", "build-env TOKEN\n# sim: build-log done\n# sim: env TOKEN"),
                fileName: "hello.zip",
                namespace: nil, access: .public, as: owner, onLine: { lines.add($0) })
            #expect(lines.all == ["done", "***"] && deployment.version.buildLog == "done\n***\n")
            #expect(try await says(rig, owner).isEmpty)
            #expect(try await rig.versions(owner).map(\.buildLog) == ["done\n***\n"])
            #expect(
                await code { try await rig.secrets.set(secret, to: SecretValue("x"), restarts: true, as: owner) }
                    == .invalidRequest)
            // One of builds is none of instances.
            #expect(await code { try await deploy(rig, as: owner) } == .invalidConfig)
        }
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    @Test func onlyWhoMayChangeTheNamespaceMay() async throws {
        let rig = Rig()
        let (owner, stranger, viewer) = (try await rig.user(), try await rig.user("b"), try await rig.user("c"))
        try await rig.sim.store.putGrant(
            Grant(namespace: owner.namespace, user: viewer.user.id, role: .viewer))
        let (secret, value) = (try key(owner), try SecretValue("planted"))
        #expect(await code { try await rig.secrets.set(secret, to: value, as: stranger) } == .notFound)
        #expect(await code { try await rig.secrets.set(secret, to: value, as: viewer) } == .forbidden)
        _ = try await rig.secrets.set(secret, to: value, as: owner)
        #expect(await code { try await rig.secrets.remove(secret, isForced: true, as: viewer) } == .forbidden)
        #expect(await code { try await rig.secrets.list(owner.namespace, as: stranger) } == .notFound)
        #expect(try await rig.secrets.list(owner.namespace, as: viewer).count == 1)
        #expect(await code { try await rig.secrets.restart(rig.key(owner), as: stranger) } == .notFound)
        #expect(await code { try await rig.secrets.restart(rig.key(owner), as: owner) } == .notFound)
        #expect(try await rig.secrets.list(stranger.namespace, as: stranger).isEmpty)
    }
}
