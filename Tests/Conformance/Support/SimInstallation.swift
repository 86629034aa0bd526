import Invok
import InvokSim
import InvokSimulation
import Synchronization
import Testing

/// The real services and HTTP API over simulated adapters, in one thread and from a seed.
struct SimInstallation: Installation {
    private final class Counter: Sendable {
        let value = Mutex(0)
    }

    private let site: SimSite
    private let names = Counter()

    var transport: any Transport { SimTransport(site: site) }
    var clock: any Invok.Clock { site.clock }

    init(_ site: SimSite) { self.site = site }

    func unique() -> String {
        names.value.withLock { value in
            value += 1
            return "\(value)"
        }
    }

    func crashAndRestart() async throws {
        await site.crash()
        await site.start()
    }

    func stop() async { await site.stop() }

    func expiredToken(of user: UserID) async throws -> String { try await SimTokenCodec().sign(.expired(user)) }
}
