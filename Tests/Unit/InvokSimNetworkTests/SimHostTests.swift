import Invok
import InvokProxy
import InvokSim
import NIOCore
import Testing

@testable import InvokSimNetwork

/// Processes on the simulated network: their event loops, and what is left when they end.
struct SimHostTests {
    /// Runs a body as a simulation.
    static func simulate(
        _ seed: UInt64 = 1, _ body: @escaping @Sendable (SimNetwork, SimClock) async throws -> Void
    ) async throws {
        let clock = SimClock()
        let failure = SimFailure()
        let report = await SimScheduler.run(seed: seed, onIdle: { clock.advanceToNextTimer() }) {
            let network = SimNetwork(seed: seed, clock: clock)
            do { try await body(network, clock) } catch { failure.error = error }
            network.end()
        }
        if let error = failure.error { throw error }
        #expect(report.end == .finished)
        #expect(report.foreignJobs == 0)
    }

    /// Used on one thread after the other.
    private final class SimFailure: @unchecked Sendable {
        var error: (any Error)?
    }

    @Test func anEventLoopKeepsItsOrderAndVirtualTime() async throws {
        try await Self.simulate { network, clock in
            let loop = network.host("a").nextLoop()
            let order = try await loop.submit { NIOLoopBoundBox([Int](), eventLoop: loop) }.get()
            let began = clock.now()
            for number in 0..<20 { loop.execute { order.value.append(number) } }
            try await loop.scheduleTask(in: .seconds(3)) { order.value.append(100) }.futureResult.get()
            let seen = try await loop.submit { order.value }.get()
            #expect(seen == Array(0..<20) + [100])
            #expect(began.duration(to: clock.now()) == .seconds(3))
        }
    }

    @Test func aTimerThatIsCancelledFails() async throws {
        try await Self.simulate { network, _ in
            let loop = network.host("a").nextLoop()
            let timer = loop.scheduleTask(in: .seconds(3)) {}
            timer.cancel()
            await #expect(throws: EventLoopError.cancelled) { try await timer.futureResult.get() }
        }
    }

    @Test func aProcessThatEndsTakesItsConnectionsAndTimersAlong() async throws {
        try await Self.simulate { network, _ in
            let (server, client) = (network.host("server"), network.host("client"))
            let address = NetworkAddress.unixSocket(path: "place")
            _ = try await SimByteNetwork(network, of: server).listen(on: address) {
                $0.eventLoop.makeSucceededVoidFuture()
            }
            let loop = client.nextLoop()
            let channel = try await SimByteNetwork(network, of: client)
                .connect(to: address, on: loop, timeout: .seconds(1)) { $0.eventLoop.makeSucceededVoidFuture() }.get()
            let timer = server.nextLoop().scheduleTask(in: .seconds(60)) {}
            server.end()
            await #expect(throws: EventLoopError.shutdown) { try await timer.futureResult.get() }
            channel.read()
            try await channel.closeFuture.get()
            await #expect(throws: IOError.self) {
                _ = try await SimByteNetwork(network, of: client)
                    .connect(to: address, on: loop, timeout: .seconds(1)) { $0.eventLoop.makeSucceededVoidFuture() }
                    .get()
            }
        }
    }
}
