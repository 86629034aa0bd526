import Invok

extension InvocationTarget {
    /// Takes the raw target of a request apart: `/invok/{namespace}/{name}` and what follows.
    /// - Returns: `nil` when it belongs to the control API.
    init?(requestPath path: String) {
        let prefix = "/invok/"
        guard path.hasPrefix(prefix) else { return nil }
        let tail = path.dropFirst(prefix.count)
        let end = tail.firstIndex(of: "?") ?? tail.endIndex
        guard let slash = tail[..<end].firstIndex(of: "/") else { return nil }
        let namespace = tail[..<slash]
        let nameStart = tail.index(after: slash)
        let nameEnd = tail[nameStart..<end].firstIndex(of: "/") ?? end
        guard nameStart < nameEnd, !namespace.isEmpty, namespace != "logs" else { return nil }
        self.init(
            namespace: String(namespace), name: String(tail[nameStart..<nameEnd]), rest: String(tail[nameEnd...]))
    }
}
