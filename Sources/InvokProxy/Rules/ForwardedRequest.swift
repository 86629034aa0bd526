import HTTPTypes
import Invok

extension RequestWriter {
    /// A client's request as a function gets it.
    /// - Parameters:
    ///   - name: the function's, which its path begins with.
    ///   - rest: what stands behind it in the target.
    ///   - dropsAuthorization: whether `Authorization` holds what the function must not see.
    ///   - added: whole lines, which the gateway adds.
    init(_ request: RequestHead, name: [UInt8], rest: Range<Int>, dropsAuthorization: Bool, added: [UInt8]) {
        let (head, source) = (request.head, request.head.bytes)
        let framing: Framing =
            switch request.framing {
            case .length(0), .untilEnd: .none
            case .length(let count): .length(count)
            case .chunked: .chunked
            }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.count + name.count + added.count + 64)
        bytes.append(contentsOf: source[request.method])
        bytes.append(Characters.space)
        bytes.append(UInt8(ascii: "/"))
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: source[rest])
        bytes.appendLine(" HTTP/1.1")
        bytes.append(contentsOf: "host: ".utf8)
        bytes.appendLine(request.host.map { source[$0] } ?? Self.nobody)
        bytes.append(contentsOf: Self.target)
        bytes.append(contentsOf: name)
        bytes.appendLine(source[rest])
        let cookies = head.values("cookie")
        if cookies.count > 1 { bytes.appendField(Self.cookie, Array(cookies.joined(separator: "; ".utf8))[...]) }
        let hopByHop = HopByHopFields(connection: head.values("connection"))
        for field in head.fields {
            let fieldName = head.name(field)
            if Characters.areEqual(fieldName, "host") || Characters.areEqual(fieldName, "content-length") { continue }
            if cookies.count > 1, Characters.areEqual(fieldName, "cookie") { continue }
            if dropsAuthorization, Characters.areEqual(fieldName, "authorization") { continue }
            guard RequestFieldRules.passes(fieldName, hopByHop) else { continue }
            bytes.appendField(fieldName, head.value(field))
        }
        bytes.append(contentsOf: added)
        self.init(
            framing: framing, lines: bytes, declaresNothing: !head.values("content-length").isEmpty,
            upgrade: request.upgrade)
    }

    private static let target = Array("\(ForwardedHead.targetHeader.canonicalName): /".utf8)
    private static let cookie = Array("cookie".utf8)[...]

    /// The host of a client of HTTP/1.0 that names none.
    private static let nobody = Array("localhost".utf8)[...]
}
