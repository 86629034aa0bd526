import AsyncHTTPClient
import InvokModel
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A call of a function, as the person wrote it.
struct InvokeRequest {
    let method: String?
    let headers: [(name: String, value: String)]
    let body: RequestBody?
    /// `/sub/path?query`, or `?query`, or nothing.
    let path: String

    /// The request to the function at the path `/invok/{namespace}/{name}` of the client's host, and nowhere else: it
    /// carries the user's token.
    func request(_ client: APIClient, _ function: String) -> HTTPClientRequest {
        let separator = path.isEmpty || path.hasPrefix("/") || path.hasPrefix("?") ? "" : "/"
        var request = client.request(body == nil ? .GET : .POST, function + separator + path)
        if let method { request.method = HTTPMethod(rawValue: method) }
        for header in headers {
            if ["authorization", "user-agent"].contains(header.name.lowercased()) {
                request.headers.replaceOrAdd(name: header.name, value: header.value)
            } else {
                request.headers.add(name: header.name, value: header.value)
            }
        }
        if let body {
            if !request.headers.contains(name: "Content-Type") {
                request.headers.add(name: "Content-Type", value: body.contentType)
            }
            request.body = body.httpBody
        }
        return request
    }

    /// Reads `Name: value`; an empty value is allowed.
    /// - Returns: `nil` where the name is no token or the value has control characters (RFC 9110 §5).
    static func header(_ text: String) -> (name: String, value: String)? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let name = String(text[..<colon])
        var value = text[text.index(after: colon)...]
        while value.first == " " || value.first == "\t" { value.removeFirst() }
        while value.last == " " || value.last == "\t" { value.removeLast() }
        guard isToken(name), value.utf8.allSatisfy({ $0 == 9 || ($0 >= 0x20 && $0 != 0x7F) }) else { return nil }
        return (name, String(value))
    }

    /// A token of RFC 9110 §5.6.2, as methods and header names are.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// A path and query without a host: visible ASCII, no fragment.
    static func isPath(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }
            && !text.contains("://") && !text.hasPrefix("//")
    }
}

/// The body of a call: text of the command line, or a file that is sent as it is read.
struct RequestBody {
    let contentType: String
    let httpBody: HTTPClientRequest.Body

    /// - Parameter argument: text, `@FILE`, or `@-` for stdin.
    /// - Throws: `Failure` where there is no such file.
    init(_ argument: String) throws(Failure) {
        guard argument.hasPrefix("@") else {
            let first = argument.first { !$0.isWhitespace }
            contentType = first == "{" || first == "[" ? "application/json" : "text/plain; charset=utf-8"
            httpBody = .bytes(ByteBuffer(string: argument))
            return
        }
        let path = String(argument.dropFirst())
        contentType = path.hasSuffix(".json") ? "application/json" : "application/octet-stream"
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .file(path, "read", Files.reason(), nextStep: "give -d text, @FILE or @- for stdin")
        }
        var info = stat()
        let isRegular = fstat(descriptor, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && path != "-"
        httpBody = .stream(
            FileChunks(descriptor: descriptor), length: isRegular ? .known(Int64(info.st_size)) : .unknown)
    }
}

/// The bytes of a file descriptor, read only as fast as they are sent.
private struct FileChunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let descriptor: Int32

    struct AsyncIterator: AsyncIteratorProtocol {
        let descriptor: Int32

        func next() async throws -> ByteBuffer? {
            var chunk = [UInt8](repeating: 0, count: 64 * 1024)
            while true {
                let count = read(descriptor, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw Files.failure(reading: "the body") }
                return count == 0 ? nil : ByteBuffer(bytes: chunk[..<count])
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(descriptor: descriptor) }
}
