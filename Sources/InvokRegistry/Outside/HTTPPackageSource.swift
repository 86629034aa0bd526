import AsyncHTTPClient
import Foundation
import Glibc
import Invok
import InvokPOSIX
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// The package registries of the network, by HTTP, and of this machine's disk.
package final class HTTPPackageSource: PackageSource {
    private static let maximumRedirects = 5

    private let credentials: Credentials
    private let proxy: OutsideProxy
    private let deadline: TimeAmount
    private let configuration: HTTPClient.Configuration
    /// By the proxy on the way; each is made with the first request that goes it.
    private let clients = Mutex<[OutsideProxy.Hop?: HTTPClient]>([:])
    private let disk = WorkerPool(threads: 2)

    /// - Parameters:
    ///   - environment: names the proxies.
    ///   - deadline: the longest that one answer may take, to its end.
    ///   - silence: the longest that a registry may say nothing.
    package init(
        _ settings: RegistrySettings, environment: [String: String], deadline: Duration = .seconds(900),
        silence: Duration = .seconds(60)
    ) {
        credentials = settings.credentials
        proxy = OutsideProxy(environment: environment)
        self.deadline = TimeAmount(deadline)
        configuration = Self.configuration(silence: TimeAmount(silence), trusting: settings.certificates)
    }

    private static func configuration(
        silence: TimeAmount, trusting certificates: [NIOSSLCertificate]
    ) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        if !certificates.isEmpty {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.additionalTrustRoots = [.certificates(certificates)]
            configuration.tlsConfiguration = settings
        }
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = silence
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        return configuration
    }

    package func close() async {
        let all = clients.withLock { clients in
            defer { clients = [:] }
            return Array(clients.values)
        }
        for client in all { try? await client.shutdown() }
    }

    package func get(_ request: PackageRequest) async throws(PackageSourceError) -> PackageAnswer {
        guard var url = RegistryURL(request.url) else { throw .refused("its address is none") }
        if url.scheme == "file" { return try await file(url) }
        let first = url
        for _ in 0...Self.maximumRedirects {
            // Where a registry sends on to gets nothing that is the registry's.
            let authorization =
                url.origin == first.origin && !request.isAnonymous
                ? credentials.authorization(for: url, request.ecosystem) : nil
            let response = try await send(request, to: url, authorization)
            let status = Int(response.status.code)
            guard [301, 302, 303, 307, 308].contains(status) else {
                // Of what is not sent, too (RFC 9110 §8.6).
                let length =
                    status == 304 ? nil : response.headers.first(name: "Content-Length").flatMap { Int($0) }
                return PackageAnswer(
                    status: status, url: url.description, contentType: response.headers.first(name: "Content-Type"),
                    tag: response.headers.first(name: "ETag"), length: length,
                    body: HTTPPackageBody(response.body, length: length))
            }
            guard let next = response.headers.first(name: "Location").flatMap({ url.resolving($0) }) else {
                throw .refused("it sends on to no address")
            }
            guard next.scheme == "https" || next.scheme == url.scheme, next.scheme != "file" else {
                throw .refused("it sends on to \(next.scheme)")
            }
            url = next
        }
        throw .refused("it sends on more than \(Self.maximumRedirects) times")
    }

    private func send(
        _ request: PackageRequest, to url: RegistryURL, _ authorization: String?
    ) async throws(PackageSourceError) -> HTTPClientResponse {
        var message = HTTPClientRequest(url: url.description)
        message.headers.add(name: "User-Agent", value: "invok")
        message.headers.add(name: "Accept", value: request.accept ?? "*/*")
        if let tag = request.knownTag { message.headers.add(name: "If-None-Match", value: tag) }
        if let authorization { message.headers.add(name: "Authorization", value: authorization) }
        do {
            return try await client(for: url).execute(message, deadline: .now() + deadline)
        } catch {
            throw Self.error(error)
        }
    }

    private func client(for url: RegistryURL) -> HTTPClient {
        let hop = proxy.hop(to: url)
        return clients.withLock { clients in
            if let client = clients[hop] { return client }
            var configuration = configuration
            configuration.proxy = hop.map { hop in
                .server(
                    host: hop.host, port: hop.port,
                    authorization: hop.user.map { .basic(username: $0.user, password: $0.password) })
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[hop] = client
            return client
        }
    }

    fileprivate static func error(_ error: any Error) -> PackageSourceError {
        if error is CancellationError || error as? HTTPClientError == .cancelled || Task.isCancelled {
            return .cancelled
        }
        switch error as? HTTPClientError {
        case .connectTimeout?, .readTimeout?, .deadlineExceeded?, .getConnectionFromPoolTimeout?:
            return .unreachable("it does not answer in time")
        default: return .unreachable("\(error)")
        }
    }

    // MARK: Files

    private func file(_ url: RegistryURL) async throws(PackageSourceError) -> PackageAnswer {
        guard let path = RegistryURL.decoded(url.path), !path.split(separator: "/").contains("..") else {
            throw .refused("its path is none")
        }
        let opened: (file: Descriptor, bytes: Int)? = await disk.run {
            guard let file = try? Descriptor.open(path, O_RDONLY | O_NONBLOCK), let status = try? file.status(),
                status.st_mode & S_IFMT == S_IFREG
            else { return nil }
            return (file, Int(status.st_size))
        }
        guard let (file, bytes) = opened else {
            return PackageAnswer(status: 404, url: url.description, length: 0, body: FilePackageBody(nil, 0, disk))
        }
        return PackageAnswer(
            status: 200, url: url.description, length: bytes, body: FilePackageBody(file, bytes, disk))
    }
}

private final class HTTPPackageBody: PackageBody {
    /// One task reads, as the protocol says.
    private struct Reader: @unchecked Sendable {
        var bytes: HTTPClientResponse.Body.AsyncIterator
        var left: Int?
    }

    private let reader: Mutex<Reader?>

    init(_ body: HTTPClientResponse.Body, length: Int?) {
        reader = Mutex(Reader(bytes: body.makeAsyncIterator(), left: length))
    }

    func next() async throws(PackageSourceError) -> [UInt8]? {
        guard var reader = reader.withLock({ $0.take() }) else { return nil }
        do {
            guard let piece = try await reader.bytes.next() else {
                if let left = reader.left, left > 0 { throw PackageSourceError.cutOff("\(left) bytes are missing") }
                return nil
            }
            reader.left? -= piece.readableBytes
            self.reader.withLock { [reader] in $0 = reader }
            return Array(buffer: piece)
        } catch let error as PackageSourceError {
            throw error
        } catch {
            guard case .unreachable(let reason) = HTTPPackageSource.error(error) else { throw .cancelled }
            throw .cutOff(reason)
        }
    }
}

private final class FilePackageBody: PackageBody {
    private static let pieceBytes = 256 * 1024

    private let file: Descriptor?
    private let count: Int
    private let disk: WorkerPool
    private let position = Mutex(0)

    init(_ file: Descriptor?, _ count: Int, _ disk: WorkerPool) {
        (self.file, self.count, self.disk) = (file, count, disk)
    }

    func next() async throws(PackageSourceError) -> [UInt8]? {
        let start = position.withLock { $0 }
        guard let file, start < count else { return nil }
        let end = min(count, start + Self.pieceBytes)
        let read: Result<[UInt8], SystemError> = await disk.run {
            do throws(SystemError) { return .success(try file.read(start..<end)) } catch { return .failure(error) }
        }
        do throws(SystemError) {
            let bytes = try read.get()
            position.withLock { $0 = end }
            return bytes
        } catch {
            throw .cutOff("\(error)")
        }
    }
}
