import HTTPTypes
import Invok
import NIOHTTP1

// Heads in the currency types of the ports to and from those of NIOHTTP1. The framing of the body is set here and
// nowhere else: a length when the request has one, chunks when it has not, neither when there is no body.

extension HTTPRequestHead {
    /// - Returns: `nil` when the path cannot stand in a request line.
    init?(_ request: InvocationRequest) {
        let path = request.head.path ?? "/"
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        let fields = request.head.headerFields.forwardable
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count + 2)
        headers.add(name: "host", value: request.head.authority ?? fields[.init("host")!] ?? "localhost")
        for field in fields where field.name.canonicalName != "host" {
            headers.add(name: field.name.rawName, value: field.value)
        }
        if !request.body.isEmpty, request.declaredBodyBytes == nil {
            headers.remove(name: "content-length")
            headers.add(name: "transfer-encoding", value: "chunked")
        }
        self.init(
            version: .http1_1, method: HTTPMethod(rawValue: request.head.method.rawValue), uri: path, headers: headers)
    }
}

extension InvocationRequest {
    /// The length that the request declares for its body, in bytes.
    var declaredBodyBytes: Int? {
        head.headerFields[.contentLength].flatMap { Int($0) }
    }

    /// Whether doing it twice is the same as doing it once (RFC 9110 §9.2.2).
    var isIdempotent: Bool {
        switch head.method {
        case .get, .head, .options, .trace, .put, .delete: true
        default: false
        }
    }
}

extension HTTPResponse {
    /// - Returns: `nil` for a status that no final answer has: informational ones, and 101, since no upgrade was asked
    ///   for.
    init?(_ head: HTTPResponseHead) {
        guard (200...999).contains(head.status.code) else { return nil }
        self.init(
            status: Status(code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase),
            headerFields: HTTPFields(head.headers).forwardable)
    }
}

extension HTTPFields {
    /// Takes what HTTPTypes takes: a field whose name is not a token is left out.
    init(_ headers: HTTPHeaders) {
        self.init()
        reserveCapacity(headers.count)
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { continue }
            append(HTTPField(name: name, value: value))
        }
    }
}
