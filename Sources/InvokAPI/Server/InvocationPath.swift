import Invok

extension InvocationTarget {
    /// Takes the raw target of a request apart: `/invok/{namespace}/{name}` and what follows.
    /// - Returns: `nil` when it belongs to the control API.
    init?(requestPath path: String) {
        let prefix = "/invok/".utf8
        guard path.utf8.starts(with: prefix) else { return nil }
        let tail = path.utf8.dropFirst(prefix.count)
        let end = tail.firstIndex(of: UInt8(ascii: "?")) ?? tail.endIndex
        guard let slash = tail[..<end].firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let namespace = path[tail.startIndex..<slash]
        let nameStart = tail.index(after: slash)
        let nameEnd = tail[nameStart..<end].firstIndex(of: UInt8(ascii: "/")) ?? end
        guard nameStart < nameEnd, !namespace.isEmpty, namespace != "logs" else { return nil }
        self.init(
            namespace: String(namespace), name: String(path[nameStart..<nameEnd]), rest: String(path[nameEnd...]))
    }
}
