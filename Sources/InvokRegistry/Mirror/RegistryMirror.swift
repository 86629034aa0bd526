import Foundation
import Invok
import InvokConcurrency
import InvokPOSIX
import Synchronization

/// The registries as builds see them: asks those of the operator for what is wanted, checks it, and keeps it. Two builds
/// that want one thing get it by one request (single flight), and the next one without any.
final class RegistryMirror: Sendable {
    struct Limits: Sendable {
        /// The largest page and file.
        var pageBytes = 64 << 20
        var fileBytes = 1 << 30
        /// What is on its way at a time, in all.
        var pendingBytes = 4 << 30
        /// How long a page is taken to be as it was.
        var freshness = Duration.seconds(60)
        /// How often a registry is asked that does not answer.
        var attempts = 3
    }

    private let routes: RegistryRoutes
    private let source: any PackageSource
    private let cache: PackageCache
    private let clock: any Clock
    private let limits: Limits
    /// Of the registries, as builds reach them.
    private let address: String
    /// For pages, which are whole in memory while they are rewritten: few at a time.
    private let rewriting = WorkerPool(threads: 2)
    private let flights = SingleFlight<String, Result<KeptPackage, RegistryFailure>>()
    private let pending = Atomic(0)

    /// - Parameter address: `http://127.0.0.1:PORT`.
    init(
        routes: RegistryRoutes, source: any PackageSource, cache: PackageCache, clock: any Clock, address: String,
        limits: Limits = Limits()
    ) {
        (self.routes, self.source, self.cache, self.clock) = (routes, source, cache, clock)
        (self.address, self.limits) = (address, limits)
    }

    /// - Parameters:
    ///   - target: of a request, in origin form.
    ///   - accept: its `Accept`.
    /// - Returns: `nil` for an answer without content.
    func get(_ target: String, accept: String) async throws(RegistryFailure) -> (KeptPackage, RegistryRoutes.Item)? {
        guard case .item(let item) = try routes.route(target, accept: accept) else { return nil }
        let key = key(of: item)
        if item.isFile || cache.isFresh(key, within: limits.freshness, now: clock.now()) {
            if let kept = await cache.open(key) { return (kept, item) }
        }
        let result = await flights.value(for: key) {
            do throws(RegistryFailure) { return .success(try await self.fetch(item, key)) } catch {
                return .failure(error)
            }
        }
        return (try result.get(), item)
    }

    func read(_ package: KeptPackage, _ range: Range<Int>) async throws(SystemError) -> [UInt8] {
        try await cache.onDisk { () throws(SystemError) in try package.read(range) }
    }

    /// Of what an item becomes: a page's links depend on who signs them.
    private func key(of item: RegistryRoutes.Item) -> String {
        var parts =
            [item.ecosystem.rawValue, item.accept ?? "", item.isForeign ? "foreign" : "own"]
            + item.places.map { "\($0.url) \($0.yieldsAlways)" }
        switch item.kind {
        case .file(let hash): parts.append("file \(hash?.text ?? "")")
        case .page: parts.append("page")
        case .packument: parts.append("packument \(address) \(routes.signer.name)")
        case .pythonIndex(let number): parts.append("index \(number) \(routes.signer.name)")
        }
        return Digest(of: parts.joined(separator: "\n").utf8).description
    }

    // MARK: Asking

    /// Asks the places in turn.
    private func fetch(_ item: RegistryRoutes.Item, _ key: String) async throws(RegistryFailure) -> KeptPackage {
        // Also a file: another flight may have landed with it.
        let kept = await cache.open(key)
        if let kept, item.isFile { return kept }
        var failure = RegistryFailure(404, "there is no registry for it")
        for place in item.places {
            do throws(RegistryFailure) {
                return try await ask(place.url, for: item, key, kept: kept)
            } catch {
                failure = error
                guard error.isMissing || place.yieldsAlways else { break }
            }
        }
        // What was so a while ago is better than nothing; that it is gone is known.
        if let kept, !failure.isMissing, failure.status != 403 { return kept }
        throw failure
    }

    private func ask(
        _ place: RegistryURL, for item: RegistryRoutes.Item, _ key: String, kept: KeptPackage?
    ) async throws(RegistryFailure) -> KeptPackage {
        var attempt = 1
        while true {
            let result: Result<KeptPackage, RegistryFailure>
            do throws(PackageSourceError) {
                result = try await attemptTo(get: item, at: place, key, kept: kept)
            } catch {
                let mayPass =
                    switch error {
                    case .unreachable, .cutOff: true
                    case .refused, .cancelled: false
                    }
                guard mayPass, attempt < limits.attempts, !Task.isCancelled else {
                    throw RegistryFailure(error, at: place)
                }
                attempt += 1
                continue
            }
            return try result.get()
        }
    }

    /// - Throws: what may go better another time.
    private func attemptTo(
        get item: RegistryRoutes.Item, at place: RegistryURL, _ key: String, kept: KeptPackage?
    ) async throws(PackageSourceError) -> Result<KeptPackage, RegistryFailure> {
        let known = kept.flatMap { $0.head.place == place.description && !$0.head.tag.isEmpty ? $0 : nil }
        let answer = try await source.get(
            PackageRequest(
                item.ecosystem, url: place.description, accept: item.accept, knownTag: known?.head.tag,
                isAnonymous: item.isForeign))
        if answer.status == 304, let known {
            cache.check(key, at: clock.now())
            return .success(known)
        }
        guard answer.status == 200 else { return .failure(RegistryFailure(status: answer.status, of: place)) }
        var head = KeptPackage.Head(
            place: place.description, tag: answer.tag ?? "", contentType: answer.contentType ?? "")
        // A tag that does not fit would be another one.
        if head.line.count > KeptPackage.maximumHead { head.tag = "" }
        do throws(StoreFailure) {
            let draft = try await receive(answer, item, head, from: place)
            return .success(try await finish(draft, item, head, from: answer, key))
        } catch {
            switch error {
            case .source(let error): throw error
            case .failed(let failure): return .failure(failure)
            case .disk(let error):
                return .failure(
                    error.isFull ? .diskFull : RegistryFailure(507, "the server cannot keep the package: \(error)"))
            }
        }
    }

    private enum StoreFailure: Error {
        case source(PackageSourceError)
        case failed(RegistryFailure)
        case disk(SystemError)
    }

    // MARK: Keeping

    private func receive(
        _ answer: PackageAnswer, _ item: RegistryRoutes.Item, _ head: KeptPackage.Head, from place: RegistryURL
    ) async throws(StoreFailure) -> PackageDraft {
        let limit = item.isFile ? limits.fileBytes : limits.pageBytes
        let tooLarge = RegistryFailure(
            413,
            "\(place.shownPath) of \(place.name) is larger than the \(limit >> 20) MB that a build may get at a time")
        guard answer.length ?? 0 <= limit else { throw .failed(tooLarge) }
        var hash: PackageHash?
        if case .file(let expected) = item.kind { hash = expected }
        let draft = try await onDisk { () throws(SystemError) in try await self.cache.draft(head, expecting: hash) }
        var count = 0
        defer { pending.subtract(count, ordering: .relaxed) }
        while let bytes = try await next(of: answer.body) {
            count += bytes.count
            let all = pending.add(bytes.count, ordering: .relaxed).newValue
            guard count <= limit else { throw .failed(tooLarge) }
            guard all <= limits.pendingBytes else {
                throw .failed(RegistryFailure(503, "the server gets too many packages at a time"))
            }
            try await onDisk { () throws(SystemError) in
                try await self.cache.onDisk { () throws(SystemError) in try draft.append(bytes) }
            }
        }
        guard draft.isRight else {
            throw .failed(
                RegistryFailure(
                    424, "\(place) is not what its index says: it does not have the hash \(hash?.text ?? "")"))
        }
        return draft
    }

    private func next(of body: any PackageBody) async throws(StoreFailure) -> [UInt8]? {
        do throws(PackageSourceError) { return try await body.next() } catch { throw .source(error) }
    }

    private func onDisk<Value: Sendable>(
        _ work: () async throws(SystemError) -> Value
    ) async throws(StoreFailure) -> Value {
        do throws(SystemError) { return try await work() } catch { throw .disk(error) }
    }

    /// Rewrites a page, and keeps what it is.
    private func finish(
        _ draft: PackageDraft, _ item: RegistryRoutes.Item, _ head: KeptPackage.Head, from answer: PackageAnswer,
        _ key: String
    ) async throws(StoreFailure) -> KeptPackage {
        var draft = draft
        if let bytes = try await rewritten(draft, item, answer) {
            draft = try await onDisk { () throws(SystemError) in
                let page = try await self.cache.draft(head)
                try await self.cache.onDisk { () throws(SystemError) in try page.append(bytes) }
                return page
            }
        }
        let (now, whole) = (clock.now(), draft)
        let kept = try await onDisk { () throws(SystemError) in try await self.cache.keep(whole, as: key, now: now) }
        guard let kept else { throw .failed(RegistryFailure(507, "the server cannot read what it has kept")) }
        return kept
    }

    /// - Returns: `nil` for what stays as it is.
    private func rewritten(
        _ draft: PackageDraft, _ item: RegistryRoutes.Item, _ answer: PackageAnswer
    ) async throws(StoreFailure) -> [UInt8]? {
        let rewrite: @Sendable ([UInt8], RegistryURL) -> [UInt8]?
        let type = answer.contentType?.lowercased() ?? ""
        let (signer, address) = (routes.signer, address)
        switch item.kind {
        case .file, .page: return nil
        case .packument:
            rewrite = { bytes, page in
                JSONPages.packument(bytes, from: page) { link in
                    signer.path(of: link, .node).map { "\(address)/npm/-/file/\($0)" }
                }
            }
        case .pythonIndex(let number):
            rewrite = { bytes, page in
                let path = { @Sendable (link: PackageLink) in
                    signer.path(of: link, .python).map { "/pypi/\(number)/file/\($0)" }
                }
                if type.hasPrefix("application/vnd.pypi.simple.v1+json") {
                    return JSONPages.pythonIndex(bytes, from: page, path)
                }
                guard type.hasPrefix("text/html") || type.hasPrefix("application/vnd.pypi.simple.v1+html") else {
                    return nil
                }
                return Array(HTMLIndex.rewritten(String(decoding: bytes, as: UTF8.self), from: page, path).utf8)
            }
        }
        guard let page = RegistryURL(answer.url) else { return nil }
        let result: Result<[UInt8]?, SystemError> = await rewriting.run {
            do throws(SystemError) {
                guard let raw = try draft.written() else { return .success(nil) }
                return .success(rewrite(try raw.read(0..<raw.count), page))
            } catch {
                return .failure(error)
            }
        }
        guard let bytes = try await onDisk({ () throws(SystemError) in try result.get() }) else {
            throw .failed(
                RegistryFailure(
                    424, "what \(page.name) answers for \(page.shownPath) is no page of a registry (\(type))"))
        }
        return bytes
    }
}
