public import Invok
import Synchronization

/// Package registries in memory: what a test puts there, by URL, and what it has go wrong.
public final class SimPackageSource: PackageSource {
    /// What is at an address.
    public struct Page: Hashable, Sendable {
        public var contentType: String?
        public var tag: String?
        public var bytes: [UInt8]
        /// Where it sends on to instead.
        public var location: String?

        public init(_ bytes: [UInt8], contentType: String? = nil, tag: String? = nil) {
            (self.bytes, self.contentType, self.tag) = (bytes, contentType, tag)
        }

        public init(sendingTo location: String) {
            self.init([])
            self.location = location
        }
    }

    /// What goes wrong with an address.
    public enum Fault: Hashable, Sendable {
        /// Nobody answers.
        case away
        /// The answer breaks off behind that many bytes.
        case cutOff(Int)
        /// A byte is another.
        case wrongByte
        /// A status instead of an answer.
        case status(Int)
    }

    private struct State: Sendable {
        var pages: [String: Page] = [:]
        var faults: [String: Fault] = [:]
        var isAway = false
        var requests: [PackageRequest] = []
    }

    private static let pieceBytes = 64 * 1024
    private static let maximumRedirects = 5

    private let effects: SimEffects
    private let state = Mutex(State())

    public init(effects: SimEffects = SimEffects()) { self.effects = effects }

    public func put(_ page: Page, at url: String) { state.withLock { $0.pages[url] = page } }

    /// - Parameter fault: `nil` mends it.
    public func set(_ fault: Fault?, at url: String) { state.withLock { $0.faults[url] = fault } }

    /// Whether nobody answers at all.
    public func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

    /// What was asked for, in order.
    public var requests: [PackageRequest] { state.withLock { $0.requests } }

    public func get(_ request: PackageRequest) async throws(PackageSourceError) -> PackageAnswer {
        if Task.isCancelled { throw .cancelled }
        return try await effects.perform("packages.get", request.url, failure: PackageSourceError.unreachable) {
            () throws(PackageSourceError) in try answer(request)
        }
    }

    private func answer(_ request: PackageRequest) throws(PackageSourceError) -> PackageAnswer {
        state.withLock { $0.requests.append(request) }
        var url = request.url
        for _ in 0...Self.maximumRedirects {
            let (page, fault, isAway) = state.withLock { ($0.pages[url], $0.faults[url], $0.isAway) }
            if isAway || fault == .away { throw .unreachable("away in the simulation") }
            if case .status(let status)? = fault { return Self.empty(status, url) }
            guard let page else { return Self.empty(404, url) }
            if let location = page.location {
                url = location
                continue
            }
            if let tag = request.knownTag, tag == page.tag { return Self.empty(304, url) }
            var (bytes, breaksOff) = (page.bytes, false)
            switch fault {
            case .cutOff(let count)?: (bytes, breaksOff) = (Array(bytes.prefix(count)), true)
            case .wrongByte? where !bytes.isEmpty: bytes[bytes.count / 2] ^= 1
            default: break
            }
            return PackageAnswer(
                status: 200, url: url, contentType: page.contentType, tag: page.tag, length: page.bytes.count,
                body: SimPackageBody(bytes, breaksOff: breaksOff))
        }
        throw .refused("it sends on too often")
    }

    private static func empty(_ status: Int, _ url: String) -> PackageAnswer {
        PackageAnswer(status: status, url: url, length: 0, body: SimPackageBody([], breaksOff: false))
    }

    private final class SimPackageBody: PackageBody {
        private let rest: Mutex<ArraySlice<UInt8>>
        private let breaksOff: Bool

        init(_ bytes: [UInt8], breaksOff: Bool) {
            rest = Mutex(bytes[...])
            self.breaksOff = breaksOff
        }

        func next() async throws(PackageSourceError) -> [UInt8]? {
            let piece = rest.withLock { rest in
                defer { rest = rest.dropFirst(SimPackageSource.pieceBytes) }
                return Array(rest.prefix(SimPackageSource.pieceBytes))
            }
            if piece.isEmpty, breaksOff { throw .cutOff("broken off in the simulation") }
            return piece.isEmpty ? nil : piece
        }
    }
}
