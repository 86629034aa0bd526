import HTTPTypes
import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct EnvironmentSealerTests {
    private let sealer = Self.sealer("one")
    private let key: FunctionKey

    init() throws { key = try Self.key("hello") }

    static func sealer(_ name: String, seed: UInt64 = 1) -> EnvironmentSealer {
        EnvironmentSealer(
            key: SealingKey(secret: Array("the secret of the key \(name)".utf8)), randomness: SimRandomness(seed: seed))
    }

    static func key(_ name: String, _ namespace: UInt64 = 1) throws -> FunctionKey {
        FunctionKey(namespace: Namespace(high: 1, low: namespace), name: try FunctionName(name))
    }

    static func settings(_ variables: [String: String] = ["TOKEN": "hunter2"]) throws -> VersionSettings {
        VersionSettings(
            runtime: .python, environment: try Environment(variables), limits: try Limits(LimitsConfig()))
    }

    @Test func whatIsSealedOpensForItsFunctionAlone() throws {
        let settings = try Self.settings()
        let sealed = sealer.seal(settings, of: key)
        #expect(sealed.environment == .empty && sealed.sealed != nil)
        #expect(!"\(sealed)".contains("hunter2"))
        #expect(sealer.open(sealed, of: key) == settings)
        #expect(try sealer.open(sealed, of: Self.key("other")) == nil)
        #expect(try sealer.open(sealed, of: Self.key("hello", 2)) == nil)
        #expect(Self.sealer("two").open(sealed, of: key) == nil)
    }

    @Test func whatWasChangedDoesNotOpen() throws {
        let sealed = sealer.seal(try Self.settings(), of: key)
        let box = try #require(sealed.sealed?.box)
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            let forged = VersionSettings(
                runtime: .python, environment: .empty, limits: sealed.limits,
                sealed: SealedValue(keyName: sealer.key.name, box: changed))
            #expect(sealer.open(forged, of: key) == nil, "byte \(index)")
        }
    }

    /// With the same nonce twice, AES-GCM protects nothing.
    @Test func theSameIsNeverSealedAlike() throws {
        let settings = try Self.settings()
        let sealed = (0..<100).map { _ in sealer.seal(settings, of: key).sealed?.box.prefix(12) }
        #expect(Set(sealed).count == 100)
    }

    @Test func whatIsEmptyOrSealedStaysAsItIs() throws {
        let empty = try Self.settings([:])
        #expect(sealer.seal(empty, of: key) == empty)
        let sealed = sealer.seal(try Self.settings(), of: key)
        #expect(sealer.seal(sealed, of: key) == sealed)
    }

    /// As the store keeps it. It never changes: what was sealed once must open for ever.
    @Test func itIsKeptAsText() throws {
        let sealed = sealer.seal(try Self.settings(), of: key)
        let text = try #require(sealed.sealed?.description)
        #expect(text.hasPrefix("v1.\(sealer.key.name)."))
        #expect(sealer.key.name == "1a6b1b0ad5ebeeac")
        #expect(text.count == 3 + 17 + 64)
    }

    // MARK: In the system

    @Test func theStoreSeesItSealedAndTheFunctionOpen() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let config = #"{"function_name":"hello","runtime":"python","env":{"TOKEN":"hunter2"}}"#
        var zip = ZipWriter()
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array("# sim: env TOKEN\n".utf8))
        let archive = zip.finish()
        try await rig.running {
            let deployment = try await rig.deployments.deploy(
                archive: archive, fileName: "hello.zip", namespace: nil, access: .public, as: owner)
            #expect(deployment.version.settings.environment.variables == ["TOKEN": "hunter2"])
            #expect(try await rig.invoke(rig.key(owner)).text == "hunter2")
        }
        let stored = try #require(try await rig.versions(owner).first)
        #expect(stored.settings.environment == .empty && stored.settings.sealed != nil)
        let kept = try await rig.sim.artifacts.open(stored.artifact).beginning(.max)
        #expect(!String(decoding: kept, as: UTF8.self).contains("hunter2"))
        #expect(try await rig.functions.function(rig.key(owner), as: owner).active?.settings.sealed == nil)
    }

    /// One damaged row is one function that does not start, and no more.
    @Test func whatDoesNotOpenDoesNotStart() async throws {
        let sim = SimWorld(seed: 1)
        let rig = Rig(on: sim)
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            try await rig.deploy("hello", access: "public", as: owner)
            _ = try await rig.deployments.update(key, FunctionUpdate(env: ["TOKEN": "hunter2"]), as: owner)
        }
        let other = Rig(on: sim) { world, _ in world.sealer = Self.sealer("other") }
        try await other.running {
            let stored = try #require(try await other.functions.function(key, as: owner).active)
            let starter = InstanceStarter(
                world: other.world, settings: other.settings, bundles: Bundles(other), logger: Rig.logger)
            let result = await starter.start(InstanceID(version: stored.key, ordinal: 1), of: stored)
            guard case .failure(let failure) = result else {
                Issue.record("it started")
                return
            }
            #expect(failure.reason.contains("cannot be opened"))
            #expect(try await other.functions.list(nil, as: owner).count == 1)
            let limits = FunctionUpdate(limits: .making(timeoutSeconds: 5))
            #expect(await code { try await other.deployments.update(key, limits, as: owner) } == .conflict)
            _ = try await other.deployments.update(key, FunctionUpdate(env: ["TOKEN": "new"]), as: owner)
            #expect(try await other.invoke(key).head?.status == .ok)
        }
    }
}
