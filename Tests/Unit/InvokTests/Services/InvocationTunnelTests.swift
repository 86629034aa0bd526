import HTTPTypes
import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import Invok

/// Upgrades that a function has taken, as one request each.
@Suite(.timeLimit(.minutes(1)))
struct InvocationTunnelTests {
    /// A client that says something first, and then nothing for as long as it is waited for.
    private final class SilentClient: RequestBody {
        let isEmpty = true
        let silence = Gate()
        private let first = Mutex<[UInt8]?>(Array("hello".utf8))

        func next() async throws -> [UInt8]? {
            if let first = first.withLock({ $0.take() }) { return first }
            await silence.pass()
            try Task.checkCancellation()
            return nil
        }
    }

    /// Has a tunnel to the function while the body runs.
    /// - Returns: how the tunnel ended.
    private func withTunnel(
        _ rig: Rig, limits: String = "{}",
        _ body: @Sendable @escaping (FunctionKey, SilentClient, Principal) async throws -> Void
    ) async throws -> InvokError.Code? {
        let owner = try await rig.user()
        return try await rig.running {
            try await rig.deploy("tunnel", limits: limits, as: owner)
            let (key, token, client) = (try rig.key(owner), try await rig.token(owner), SilentClient())
            async let end = code {
                let answer = try await rig.invoke(key, token: token, fields: [.upgrade: "x"], body: client)
                #expect(answer.head?.status == .switchingProtocols && answer.text == "hello")
                return answer
            }
            await client.silence.reached()
            #expect(rig.dispatcher.load(of: key) == FunctionLoad(instances: 1, requests: 1))
            try await body(key, client, owner)
            let code = await end
            #expect(rig.dispatcher.load(of: key).requests == 0)
            return code
        }
    }

    @Test func oneThatItsClientEndsIsWhole() async throws {
        let code = try await withTunnel(Rig()) { _, client, _ in client.silence.open() }
        #expect(code == nil)
    }

    @Test func oneOfAReplacedVersionEndsAfterItsTime() async throws {
        let rig = Rig()
        let code = try await withTunnel(rig, limits: #"{"pauseSeconds":900}"#) { key, _, owner in
            try await rig.deploy("hello", as: owner)
            rig.sim.clock.advance(by: .seconds(49))
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "hello")
            #expect(rig.sim.engine.running.count == 2 && rig.dispatcher.load(of: key).requests == 1)
            // It is told, and has a moment more.
            try await rig.eventually {
                rig.sim.clock.advance(by: .seconds(1))
                return rig.dispatcher.load(of: key).requests == 0
            }
            #expect(rig.sim.clock.now() < Instant(nanoseconds: 0).advanced(by: .seconds(120)))
        }
        #expect(code == .functionFailed)
    }

    /// That is no fault of the instance, which takes requests all the same.
    @Test(arguments: ["pauseSeconds", "streamSeconds"])
    func oneThatTakesTooLongEnds(limit: String) async throws {
        let rig = Rig()
        let limits = #"{"timeoutSeconds":1,"pauseSeconds":900,"\#(limit)":20,"concurrency":2,"maxInstances":1}"#
            .replacing(limit == "pauseSeconds" ? #""pauseSeconds":900,"# : "", with: "")
        let code = try await withTunnel(rig, limits: limits) { key, _, owner in
            // The function has answered long ago.
            rig.sim.clock.advance(by: .seconds(19))
            #expect(try await rig.invoke(key, token: rig.token(owner), body: ListBody("b")).text == "b")
            #expect(rig.dispatcher.load(of: key).requests == 1)
            try await rig.eventually {
                rig.sim.clock.advance(by: .seconds(1))
                return rig.dispatcher.load(of: key).requests == 0
            }
            #expect(try await rig.invoke(key, token: rig.token(owner), body: ListBody("c")).text == "c")
        }
        #expect(code == .functionTimeout)
    }
}
