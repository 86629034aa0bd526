import HTTPTypes
import Invok
import InvokPOSIX
import InvokProxy
import Logging
import Synchronization

/// Answers one build's requests.
struct RegistryAnswerer: Sendable {
    private typealias Found = (KeptPackage, RegistryRoutes.Item)

    private static let pieceBytes = 256 * 1024

    private let mirror: RegistryMirror
    private let limitBytes: Int
    private let logger: Logger
    private let sent = Counter()

    private final class Counter: Sendable {
        let bytes = Atomic(0)
        let failures = Mutex<[String]>([])
    }

    private static let maximumFailures = 8

    init(mirror: RegistryMirror, limitBytes: Int, logger: Logger) {
        (self.mirror, self.limitBytes, self.logger) = (mirror, limitBytes, logger)
    }

    /// - Throws: when the answer broke off; the connection is then of no more use.
    func respond(to request: HTTPRequest, on connection: any ClientConnection) async throws {
        let found: Found?
        do throws(RegistryFailure) {
            found = try await find(request)
        } catch {
            note(error)
            logger.info(
                "a build did not get a package",
                metadata: ["path": "\(request.path ?? "")", "reason": "\(error.message)"])
            let (head, body) = Self.message(error)
            try await connection.writeHead(head)
            if request.method != .head { try await connection.writeChunk(body) }
            return try await connection.finish(trailers: nil)
        }
        try await send(found, to: request, on: connection)
    }

    private func find(_ request: HTTPRequest) async throws(RegistryFailure) -> Found? {
        guard request.method == .get || request.method == .head else {
            throw RegistryFailure(405, "a build may only read from the package registries")
        }
        guard let authority = request.authority.flatMap({ Authority($0) }), authority.isLoopback else {
            throw .forbidden
        }
        let found = try await mirror.get(request.path ?? "", accept: request.headerFields[.accept] ?? "")
        if request.method == .get { try take(found?.0.count ?? 0) }
        return found
    }

    /// What registries have failed at; not that there is no such thing, which every tool says.
    var failures: [String] { sent.failures.withLock { $0 } }

    private func note(_ failure: RegistryFailure) {
        guard !failure.isMissing, failure != .noSuchPath, failure.status != 405 else { return }
        sent.failures.withLock { failures in
            guard failures.count < Self.maximumFailures, !failures.contains(failure.message) else { return }
            failures.append(failure.message)
        }
    }

    /// Counts what one build gets.
    private func take(_ count: Int) throws(RegistryFailure) {
        guard sent.bytes.add(count, ordering: .relaxed).newValue <= limitBytes else {
            throw RegistryFailure(413, "this build has got the \(limitBytes >> 20) MB of packages that it may get")
        }
    }

    private func send(
        _ found: Found?, to request: HTTPRequest, on connection: any ClientConnection
    ) async throws {
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentLength] = "\(found?.0.count ?? 0)"
        if let (package, item) = found {
            head.headerFields[.contentType] = package.head.contentType.isEmpty ? nil : package.head.contentType
            // Tools that have caches of their own ask no more for what never changes.
            head.headerFields[.cacheControl] = item.isFile ? "max-age=31536000, immutable" : "no-cache"
        }
        try await connection.writeHead(head)
        if let package = found?.0, request.method == .get {
            var start = 0
            while start < package.count {
                let end = min(package.count, start + Self.pieceBytes)
                try await connection.writeChunk(try await mirror.read(package, start..<end))
                start = end
            }
        }
        try await connection.finish(trailers: nil)
    }

    /// pip and npm print the reason of the status line, and Go a body of text.
    static func message(_ failure: RegistryFailure) -> (head: HTTPResponse, body: [UInt8]) {
        let reason = String(
            String.UnicodeScalarView(failure.message.unicodeScalars.filter { (0x20...0x7E).contains($0.value) }))
        var head = HTTPResponse(status: .init(code: failure.status, reasonPhrase: reason))
        let body = Array((failure.message + "\n").utf8)
        head.headerFields[.contentType] = "text/plain; charset=utf-8"
        head.headerFields[.contentLength] = "\(body.count)"
        return (head, body)
    }
}
