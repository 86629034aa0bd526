import Invok

/// Where in the target of a request stands what it calls: `/invok/{namespace}/{name}` and what follows.
struct InvocationPath: Hashable, Sendable {
    let namespace: Range<Int>
    let name: Range<Int>
    let rest: Range<Int>

    /// - Parameter target: as it came, in origin form.
    /// - Returns: `nil` when it belongs to the control API.
    init?(_ target: ArraySlice<UInt8>) {
        let prefix = "/invok/".utf8
        guard target.starts(with: prefix) else { return nil }
        let tail = target.dropFirst(prefix.count)
        let path = tail.prefix { $0 != UInt8(ascii: "?") }
        guard let slash = path.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = path[(slash + 1)...].prefix { $0 != UInt8(ascii: "/") }
        let namespace = path[..<slash]
        guard !name.isEmpty, !namespace.isEmpty, !namespace.elementsEqual("logs".utf8) else { return nil }
        self.namespace = namespace.startIndex..<namespace.endIndex
        self.name = name.startIndex..<name.endIndex
        rest = name.endIndex..<target.endIndex
    }
}

extension InvocationTarget {
    /// - Parameter path: the target of a request, as it came.
    /// - Returns: `nil` when it belongs to the control API.
    init?(requestPath path: String) {
        let bytes = Array(path.utf8)
        guard let parts = InvocationPath(bytes[...]) else { return nil }
        let text = { (range: Range<Int>) in String(decoding: bytes[range], as: UTF8.self) }
        self.init(namespace: text(parts.namespace), name: text(parts.name), rest: text(parts.rest))
    }
}
