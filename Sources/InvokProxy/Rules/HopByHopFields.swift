import HTTPTypes

/// The fields that concern one connection only and are never forwarded (RFC 9110 §7.6.1).
///
/// `Expect` and `Trailer` are among them because each side of the proxy settles those for itself.
struct HopByHopFields {
    private static let always = FieldNames([
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
        "transfer-encoding", "upgrade", "expect", "trailer",
    ])

    /// Those that `Connection` names besides.
    private let named: [ArraySlice<UInt8>]

    /// - Parameter connection: the values of `Connection`.
    init(connection: [ArraySlice<UInt8>]) {
        named = connection.flatMap { $0.split(separator: UInt8(ascii: ",")) }.map(Characters.trimmed)
            .filter { !Self.always.contains($0) && !Characters.areEqual($0, "close") }
    }

    func contains(_ name: ArraySlice<UInt8>) -> Bool {
        Self.always.contains(name) || named.contains { Characters.areEqualIgnoringCase($0, name) }
    }
}

extension HTTPFields {
    /// What may be forwarded.
    package var forwardable: HTTPFields {
        let hopByHop = HopByHopFields(connection: self[values: .connection].map { Array($0.utf8)[...] })
        return HTTPFields(filter { !hopByHop.contains(Array($0.name.canonicalName.utf8)[...]) })
    }
}
