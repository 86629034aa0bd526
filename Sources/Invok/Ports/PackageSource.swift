/// The package registries outside: the one way by which something that a build asks for comes in.
public protocol PackageSource: Sendable {
    /// Asks for what is at an address. Redirects are followed; the operator's credentials go to the registry alone that they
    /// are for, never where that sends on to.
    /// - Returns: whatever the registry answers, errors too; its body is read by the caller, or dropped.
    func get(_ request: PackageRequest) async throws(PackageSourceError) -> PackageAnswer
}

/// Whose registries, and thereby whose credentials.
public enum PackageEcosystem: String, Hashable, Sendable, CaseIterable {
    case python
    case node
    case go
}

public struct PackageRequest: Hashable, Sendable {
    public let ecosystem: PackageEcosystem
    /// Absolute: `https`, `http`, or `file`; without credentials or fragment.
    public let url: String
    /// What may come (`Accept`, RFC 9110 §12.5.1); `nil` for anything.
    public let accept: String?
    /// The entity tag of what is there already: it is answered 304 when it has not changed (RFC 9110 §13.1.2).
    public let knownTag: String?
    /// Whether no credentials go along, though there be some for the address.
    public let isAnonymous: Bool

    public init(
        _ ecosystem: PackageEcosystem, url: String, accept: String? = nil, knownTag: String? = nil,
        isAnonymous: Bool = false
    ) {
        self.isAnonymous = isAnonymous
        self.ecosystem = ecosystem
        self.url = url
        self.accept = accept
        self.knownTag = knownTag
    }
}

public struct PackageAnswer: Sendable {
    /// Of HTTP; a file that is there is 200, one that is not 404.
    public let status: Int
    /// Where it was found in the end, which links in it are relative to.
    public let url: String
    public let contentType: String?
    public let tag: String?
    /// How many bytes the body has, where that is known before they come.
    public let length: Int?
    public let body: any PackageBody

    public init(
        status: Int, url: String, contentType: String? = nil, tag: String? = nil, length: Int? = nil,
        body: any PackageBody
    ) {
        self.status = status
        self.url = url
        self.contentType = contentType
        self.tag = tag
        self.length = length
        self.body = body
    }
}

/// What comes, piece by piece. Read by one task at a time.
public protocol PackageBody: AnyObject, Sendable {
    /// The next bytes, or `nil` at the end.
    /// - Throws: `cutOff` when it ended before it was whole.
    func next() async throws(PackageSourceError) -> [UInt8]?
}

public enum PackageSourceError: Error, Hashable, Sendable {
    /// Nobody answers, or not in time.
    case unreachable(String)
    /// It broke off in the middle.
    case cutOff(String)
    /// It leads where nothing is asked for: to another scheme, or round and round.
    case refused(String)
    case cancelled
}
