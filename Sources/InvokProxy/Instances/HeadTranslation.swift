import HTTPTypes
import Invok

// Heads in the currency types of the ports, to and from those on the wire.

extension RequestWriter {
    /// - Returns: `nil` when the path cannot stand in a request line.
    init?(_ request: InvocationRequest) {
        let path = request.head.path ?? "/"
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        let fields = request.head.headerFields.forwardable
        let host = request.head.authority ?? fields[.hostField] ?? "localhost"
        // The framing is set here and nowhere else. A length that no body follows would make the next request of the
        // connection the rest of this one.
        let framing: Framing =
            request.body.isEmpty ? .none : request.declaredBodyBytes.map { .length($0) } ?? .chunked
        let others = fields.lazy.filter { $0.name != .hostField && $0.name != .contentLength }
        self.init(
            method: request.head.method.rawValue, target: path,
            fields: [("host", host)] + others.map { ($0.name.rawName, $0.value) }, framing: framing,
            declaresNothing: fields[.contentLength] != nil, upgrade: request.upgrade)
    }
}

extension HTTPField.Name {
    /// `Host` itself, which HTTPTypes would have one take for the authority.
    static let hostField = HTTPField.Name("host")!
}

/// The methods of requests of which doing one twice is the same as doing it once (RFC 9110 §9.2.2).
enum IdempotentMethods {
    private static let names: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]

    static func contains(_ method: String) -> Bool { names.contains(method) }
}

extension InvocationRequest {
    /// The length that the request declares for its body, in bytes.
    var declaredBodyBytes: Int? {
        let lengths = head.headerFields[values: .contentLength]
        return lengths.count == 1 ? ContentLength.parse(lengths[0]) : nil
    }

    var isIdempotent: Bool { IdempotentMethods.contains(head.method.rawValue) }

    /// The protocols that it offers to go on in.
    var upgrade: [UInt8]? {
        guard body.isEmpty, head.method != .head else { return nil }
        return UpgradeRules.offer(head.headerFields[values: .upgrade].map { Array($0.utf8)[...] })
    }
}

extension HTTPResponse {
    init(_ response: ResponseHead) {
        self.init(
            status: Status(
                code: response.status,
                reasonPhrase: String(decoding: response.head.bytes[response.reason], as: UTF8.self)),
            headerFields: HTTPFields(response.head).forwardable)
        guard response.isUpgrade else { return }
        for (_, value) in response.upgradeFields {
            headerFields.append(HTTPField(name: .upgrade, value: String(decoding: value, as: UTF8.self)))
        }
    }
}

extension HTTPFields {
    init(_ head: MessageHead) {
        self.init()
        reserveCapacity(head.fields.count)
        for field in head.fields {
            guard let name = HTTPField.Name(String(decoding: head.name(field), as: UTF8.self)) else { continue }
            append(HTTPField(name: name, value: String(decoding: head.value(field), as: UTF8.self)))
        }
    }
}
