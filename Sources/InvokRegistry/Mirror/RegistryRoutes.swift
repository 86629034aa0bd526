import Invok

/// What a build asks the mirror for, and what that means outside. Pure: paths in, addresses out.
struct RegistryRoutes: Sendable {
    /// Something that is got from outside.
    struct Item: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            /// May change; its links are rewritten.
            case pythonIndex(Int)
            case packument
            /// May change; is passed on as it is.
            case page
            /// Never changes.
            case file(PackageHash?)
        }

        struct Place: Hashable, Sendable {
            let url: RegistryURL
            /// Whether the next place is asked whatever is wrong with this one, and not only when it has no such thing.
            let yieldsAlways: Bool
        }

        let ecosystem: PackageEcosystem
        let kind: Kind
        /// Asked in turn. Never empty.
        let places: [Place]
        var accept: String?
        /// Whether it is elsewhere than its registry, which alone is shown credentials.
        var isForeign = false

        init(_ ecosystem: PackageEcosystem, _ kind: Kind, _ url: RegistryURL, accept: String? = nil) {
            self.init(ecosystem, kind, [Place(url: url, yieldsAlways: false)], accept: accept)
        }

        init(_ ecosystem: PackageEcosystem, _ kind: Kind, _ places: [Place], accept: String? = nil) {
            (self.ecosystem, self.kind, self.places, self.accept) = (ecosystem, kind, places, accept)
        }

        var isFile: Bool { if case .file = kind { true } else { false } }
    }

    enum Wanted: Hashable, Sendable {
        case item(Item)
        /// Known without asking anybody.
        case nothing
    }

    let settings: RegistrySettings
    let signer: LinkSigner

    /// - Parameters:
    ///   - target: of the request, in origin form.
    ///   - accept: its `Accept`.
    func route(_ target: String, accept: String) throws(RegistryFailure) -> Wanted {
        // No tool sends a query, and two spellings of one path would be two opinions of it.
        guard target.hasPrefix("/"), !target.contains("?"), target.utf8.count <= 16_384,
            let path = RegistryURL.decoded(target)
        else { throw .noSuchPath }
        let isPlain = path.utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "%")
        }
        var parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)[...]
        if parts.last?.isEmpty == true { parts.removeLast() }
        guard isPlain, parts.count <= 64, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw .noSuchPath
        }
        switch parts.popFirst() {
        case "pypi": return .item(try python(parts, accept))
        case "npm": return .item(try node(parts, accept))
        case "go": return try go(parts)
        default: throw .noSuchPath
        }
    }

    // MARK: Python

    private static let indexJSON = "application/vnd.pypi.simple.v1+json"
    private static let indexAny = "\(indexJSON), application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"

    private func python(_ parts: ArraySlice<String>, _ accept: String) throws(RegistryFailure) -> Item {
        guard let text = parts.first, let number = Int(text), number >= 0, "\(number)" == text else {
            throw .noSuchPath
        }
        guard settings.pip.indexes.indices.contains(number) else {
            throw RegistryFailure(404, "the server knows no index \(number)")
        }
        let rest = Array(parts.dropFirst())
        if rest.count == 2, rest[0] == "simple", Self.isName(rest[1]) {
            // As pip asks, for JSON where the client knows it.
            let accept = accept.contains(Self.indexJSON) ? Self.indexAny : "text/html"
            let url = settings.pip.indexes[number].appending(rest[1] + "/")
            return Item(.python, .pythonIndex(number), url, accept: accept)
        }
        guard rest.count == 4, rest[0] == "file" else { throw .noSuchPath }
        return try file(.python, rest)
    }

    /// `file/{MAC}/{payload}/{name}`, with `.metadata` behind it for the metadata alone.
    private func file(_ ecosystem: PackageEcosystem, _ parts: [String]) throws(RegistryFailure) -> Item {
        guard let link = signer.link(mac: parts[1], payload: parts[2], ecosystem) else { throw .forbidden }
        var item: Item
        switch parts[3] {
        case link.url.fileName: item = Item(ecosystem, .file(link.hash), link.url)
        case (link.url.fileName ?? "") + ".metadata" where ecosystem == .python && link.url.query == nil:
            item = Item(ecosystem, .file(link.metadataHash), link.url.appending(".metadata"))
        default: throw .forbidden
        }
        item.isForeign = link.isForeign
        return item
    }

    /// Of a project (PEP 508), or a part of an npm package's name.
    private static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.count <= 214
            && text.utf8.allSatisfy { byte in
                let character = Character(Unicode.Scalar(byte))
                return byte < 0x80 && (character.isLetter || character.isNumber || "-._~".contains(character))
            }
    }

    // MARK: npm

    private static let packument = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"

    private func node(_ parts: ArraySlice<String>, _ accept: String) throws(RegistryFailure) -> Item {
        let parts = Array(parts)
        if parts.count == 5, parts[0] == "-", parts[1] == "file" { return try file(.node, Array(parts[1...])) }
        // A lock file's address has the path of the registry that it was made with in front of the package's name.
        if let dash = parts.lastIndex(of: "-"), dash >= 1, dash == parts.count - 2 {
            let hasScope = dash >= 2 && parts[dash - 2].hasPrefix("@")
            return try tarball(Array(parts[(dash - (hasScope ? 2 : 1))...]))
        }
        guard (1...2).contains(parts.count), parts.count == (parts[0].hasPrefix("@") ? 2 : 1) else {
            return try tarball(parts)
        }
        let name = parts.joined(separator: "/")
        guard Self.isPackage(name), let registry = settings.npm.registry(of: name) else { throw .noSuchPath }
        let isShort = accept.contains("application/vnd.npm.install-v1+json")
        return Item(
            .node, .packument, registry.appending(parts.joined(separator: "%2f")),
            accept: isShort ? Self.packument : "application/json")
    }

    /// By its path below the registry, which a lock file names.
    private func tarball(_ parts: [String]) throws(RegistryFailure) -> Item {
        // `-/v1/search` and its like are no packages.
        guard parts.count >= 3, parts[0] != "-" else { throw .noSuchPath }
        let scope = parts.first { $0.hasPrefix("@") }
        let name = scope.map { "\($0)/" } ?? parts[0]
        guard parts.allSatisfy({ Self.isName($0.hasPrefix("@") ? $0.dropFirst() : $0[...]) || $0 == "-" }),
            let registry = settings.npm.registry(of: name)
        else { throw .noSuchPath }
        // The registry's own path may be in front already.
        var path = parts.joined(separator: "/")
        let own = String(registry.path.dropFirst())
        if !own.isEmpty, path.hasPrefix(own) { path = String(path.dropFirst(own.count)) }
        return Item(.node, .file(nil), registry.appending(path))
    }

    private static func isPackage(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        return parts.allSatisfy { isName($0.hasPrefix("@") ? $0.dropFirst() : $0) } && !name.hasPrefix("-")
    }

    // MARK: Go

    private func go(_ parts: ArraySlice<String>) throws(RegistryFailure) -> Wanted {
        let parts = Array(parts)
        let isPlain = parts.allSatisfy { part in
            part.utf8.allSatisfy { byte in
                let character = Character(Unicode.Scalar(byte))
                return character.isLetter || character.isNumber || "-._~!+@".contains(character)
            }
        }
        guard isPlain else { throw .noSuchPath }
        if parts.first == "sumdb" { return try checksums(parts) }
        let path = parts.joined(separator: "/")
        guard let kind = Self.kind(ofModulePath: parts) else { throw .noSuchPath }
        guard !settings.go.proxies.isEmpty else {
            throw RegistryFailure(404, "the server's GOPROXY names no proxy, and a build reaches nothing else")
        }
        return .item(
            Item(
                .go, kind,
                settings.go.proxies.map { Item.Place(url: $0.url.appending(path), yieldsAlways: $0.yieldsAlways) }))
    }

    /// The GOPROXY protocol (https://go.dev/ref/mod#goproxy-protocol); `nil` for what is none of it.
    private static func kind(ofModulePath parts: [String]) -> Item.Kind? {
        guard parts.count >= 2, let last = parts.last else { return nil }
        if last == "@latest" { return .page }
        guard parts.count >= 3, parts[parts.count - 2] == "@v" else { return nil }
        if last == "list" { return .page }
        if last.hasSuffix(".zip") || last.hasSuffix(".mod") { return .file(nil) }
        guard last.hasSuffix(".info") else { return nil }
        // What is asked for may be a branch, too.
        return last.firstMatch(of: /^v[0-9]+\.[0-9]+\.[0-9]+[^\/]*\.info$/) == nil ? .page : .file(nil)
    }

    private func checksums(_ parts: [String]) throws(RegistryFailure) -> Wanted {
        guard let database = settings.go.checksums else {
            throw RegistryFailure(404, "the server's GOSUMDB is off")
        }
        let rest = Array(parts.dropFirst(2))
        guard let first = rest.first, parts[1] == database.name else { throw .noSuchPath }
        switch first {
        case "supported" where rest.count == 1: return .nothing
        case "lookup", "latest", "tile":
            let kind: Item.Kind = first == "tile" ? .file(nil) : .page
            return .item(Item(.go, kind, database.url.appending(rest.joined(separator: "/"))))
        default: throw .noSuchPath
        }
    }
}
