import CLinux
import Glibc
import Invok
import InvokPOSIX
import Synchronization

/// The addresses that callers reach this server at: those of the machine, and what its public names resolve to, which may
/// be those of a proxy before it.
final class OwnAddresses: Sendable {
    private struct State {
        var named: Set<IPAddress> = []
        var isNew = true
        var due: Instant?
    }

    private static let interval = Duration.seconds(300)

    private let names: [String]
    /// A resolver that is away holds up nothing but this.
    private let thread = WorkerPool(threads: 1)
    private let state = Mutex(State())

    init(names: [String]) { self.names = names }

    var named: [IPAddress] { state.withLock { $0.named.sorted { "\($0)" < "\($1)" } } }

    var all: Set<IPAddress> { state.withLock { $0.named }.union(Self.ofInterfaces()) }

    /// Looks the names up: waits for that the first time, later only begins it.
    func refresh(_ now: Instant) async {
        guard !names.isEmpty else { return }
        let (isDue, isNew) = state.withLock { state in
            guard state.due.map({ $0 <= now }) ?? true else { return (false, false) }
            defer {
                state.due = now.advanced(by: Self.interval)
                state.isNew = false
            }
            return (true, state.isNew)
        }
        guard isDue else { return }
        let look: @Sendable () -> Void = { [names, weak self] in
            let found = Set(names.flatMap(Self.resolve))
            // Rather those of before than none.
            if !found.isEmpty { self?.state.withLock { $0.named = found } }
        }
        if isNew { await thread.run(look) } else { thread.submit(look) }
    }

    private static func resolve(_ name: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        return sequence(first: first, next: { $0?.pointee.ai_next }).prefix { $0 != nil }.compactMap { entry in
            entry.flatMap { address(of: $0.pointee.ai_addr) }
        }
    }

    private static func ofInterfaces() -> [IPAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        return sequence(first: first, next: { $0?.pointee.ifa_next }).prefix { $0 != nil }.compactMap { entry in
            entry.flatMap { address(of: $0.pointee.ifa_addr) }
        }
    }

    private static func address(of pointer: UnsafeMutablePointer<sockaddr>?) -> IPAddress? {
        guard let pointer else { return nil }
        let raw = UnsafeRawPointer(pointer)
        // Where the address stands in sockaddr_in and sockaddr_in6.
        return switch Int32(pointer.pointee.sa_family) {
        case AF_INET: IPAddress(bytes: (4..<8).map { raw.load(fromByteOffset: $0, as: UInt8.self) })
        case AF_INET6: IPAddress(bytes: (8..<24).map { raw.load(fromByteOffset: $0, as: UInt8.self) })
        default: nil
        }
    }
}
