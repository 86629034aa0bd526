import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A running function behind a unix socket, spoken to in raw HTTP/1.1.
final class TestInstance {
    private let bundle: TestBundle
    private let command: Command
    private let path: String

    init(_ arguments: [String], bundle: TestBundle, environment: [String: String]) throws {
        self.bundle = bundle
        path = bundle.url.appendingPathComponent("s").path
        let listener = Self.socket()
        defer { close(listener) }
        guard Self.withAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 64) == 0 else {
            throw TestFailure("cannot listen at \(path): \(errno)")
        }
        let own = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        command = try Command(
            arguments, in: bundle.url, environment: own.merging(environment) { $1 }, socket: listener)
    }

    /// Sends one request on a connection of its own and returns the answer.
    func request(
        _ method: String = "GET", _ target: String, headers: [String] = [], body: [UInt8] = [], chunked: Bool = false
    ) throws -> TestResponse {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: localhost", "Connection: close"] + headers
        if chunked {
            lines.append("Transfer-Encoding: chunked")
        } else if !body.isEmpty || method == "POST" {
            lines.append("Content-Length: \(body.count)")
        }
        var bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        if chunked {
            for start in stride(from: 0, to: body.count, by: 50_000) {
                let part = body[start..<min(start + 50_000, body.count)]
                bytes += Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8)
            }
            bytes += Array("0\r\n\r\n".utf8)
        } else {
            bytes += body
        }
        return try TestResponse(exchange(bytes), isHead: method == "HEAD")
    }

    /// Sends the bytes and reads until the other side closes, both at once.
    /// - Parameters:
    ///   - halfCloses: whether nothing is sent any more after these bytes, as whoever waits no longer says it.
    ///   - onSent: called once, when all is sent.
    ///   - onReceived: called whenever something has come.
    func exchange(
        _ bytes: [UInt8], halfCloses: Bool = false, within seconds: Double = 60, onSent: () throws -> Void = {},
        onReceived: () throws -> Void = {}
    ) throws -> [UInt8] {
        let socket = Self.socket()
        defer { close(socket) }
        guard Self.withAddress(path, { connect(socket, $0, $1) }) == 0 else {
            throw TestFailure("cannot connect: \(errno)")
        }
        let deadline = Date(timeIntervalSinceNow: seconds)
        var sent = 0
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let interest = sent < bytes.count ? POLLIN | POLLOUT : POLLIN
            var waiting = pollfd(fd: socket, events: Int16(interest), revents: 0)
            guard poll(&waiting, 1, Int32(max(0, deadline.timeIntervalSinceNow) * 1000)) > 0 else {
                throw TestFailure(
                    "no answer in \(seconds) s, only: \(String(decoding: received.prefix(500), as: UTF8.self))")
            }
            if waiting.revents & Int16(POLLOUT) != 0, sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    send(
                        socket, $0.baseAddress! + sent, $0.count - sent,
                        Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                }
                // Who answers early may have closed; the answer can still be read.
                sent = count > 0 ? sent + count : errno == EAGAIN ? sent : bytes.count
                if sent == bytes.count {
                    if halfCloses { shutdown(socket, Int32(SHUT_WR)) }
                    try onSent()
                }
            }
            if waiting.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count < 0, errno == EAGAIN { continue }
                guard count > 0 else {
                    if count < 0, received.isEmpty { throw TestFailure("the connection was reset: \(errno)") }
                    return received
                }
                received += buffer[..<count]
                try onReceived()
            }
        }
    }

    /// Sends the bytes, and goes away in the middle of the answer: it ends its half, as the gateway does, and waits for the
    /// instance to close.
    /// - Parameters:
    ///   - text: what it gets before.
    ///   - condition: what it waits for instead, if given.
    func leave(
        _ bytes: [UInt8], after text: String = "", when condition: () throws -> Void = {}
    ) throws -> [UInt8] {
        let socket = Self.socket()
        defer { close(socket) }
        guard Self.withAddress(path, { connect(socket, $0, $1) }) == 0, write(socket, bytes, bytes.count) == bytes.count
        else { throw TestFailure("cannot connect: \(errno)") }
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !text.isEmpty, !String(decoding: received, as: UTF8.self).contains(text) {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { throw TestFailure("no '\(text)' came") }
            received += buffer[..<count]
        }
        try condition()
        shutdown(socket, Int32(SHUT_WR))
        while case let count = recv(socket, &buffer, buffer.count, 0), count != 0 {
            guard count > 0 else { throw TestFailure("the instance did not close in 30 s") }
            received += buffer[..<count]
        }
        return received
    }

    /// Asks the instance to end and returns what it printed.
    func stop() throws -> Command.Result {
        command.terminate()
        return try command.finish()
    }

    /// Waits for an instance that ends by itself.
    func end() throws -> Command.Result { try command.finish() }

    func terminate() { command.terminate() }

    /// Waits until the instance has printed the text.
    func waitForOutput(_ text: String) throws { try command.waitForOutput(text) }

    private static func socket() -> Int32 {
        Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}

/// One answer, taken apart. What follows it on the connection is in `rest`.
struct TestResponse {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    let rest: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    func values(_ name: String) -> [String] { headers.filter { $0.name == name.lowercased() }.map(\.value) }

    init(_ bytes: [UInt8], isHead: Bool = false) throws {
        guard let end = Self.find("\r\n\r\n", in: bytes[...]) else {
            throw TestFailure("no HTTP answer: \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestFailure("no status in \(lines[0])")
        }
        self.status = status
        let fields = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (
                name: line[..<colon].lowercased(),
                value: line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            )
        }
        headers = fields
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        var rest = bytes[(end + 4)...]
        var body: [UInt8] = []
        if isHead || status == 204 || status == 304 || status < 200 {
        } else if value("transfer-encoding") == "chunked" {
            while true {
                guard let line = Self.find("\r\n", in: rest),
                    let size = Int(String(decoding: rest[rest.startIndex..<line], as: UTF8.self), radix: 16),
                    rest.endIndex >= line + 2 + size + 2
                else { throw TestFailure("the chunked body was cut short after \(body.count) bytes") }
                body += rest[(line + 2)..<(line + 2 + size)]
                rest = rest[(line + 2 + size + 2)...]
                if size == 0 { break }
            }
        } else if let length = value("content-length").flatMap({ Int($0) }) {
            guard rest.count >= length else { throw TestFailure("\(rest.count) of \(length) bytes came") }
            body = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
        } else {
            body = Array(rest)
            rest = []
        }
        self.body = body
        self.rest = Array(rest)
    }

    private static func find(_ text: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let pattern = Array(text.utf8)
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - pattern.count)).first {
            bytes[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }
}
