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
        // A length that no body follows would make the next request of the connection the rest of this one.
        if request.body.isEmpty {
            if headers.contains(name: "content-length") { headers.replaceOrAdd(name: "content-length", value: "0") }
        } else if let length = request.declaredBodyBytes {
            headers.replaceOrAdd(name: "content-length", value: String(length))
        } else {
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
        let lengths = head.headerFields[values: .contentLength]
        return lengths.count == 1 ? ContentLength.parse(lengths[0]) : nil
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
    /// - Throws: `broken` for an answer that is none.
    init(_ head: HTTPResponseHead) throws(TransportError) {
        let fields = HTTPFields(head.headers)
        if let fault = AnswerRules.fault(status: Int(head.status.code), isHTTP10: head.version == .http1_0, fields) {
            throw .broken(fault)
        }
        self.init(
            status: Status(code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase),
            headerFields: fields.forwardable)
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
