import HTTPTypes
import Invok

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads `multipart/form-data` (RFC 7578, RFC 2046 §5.1) as it arrives. Keeps no more than a part's head or what may
/// still turn out to be a delimiter.
struct MultipartParser {
    enum Event: Hashable {
        /// A part begins. `fileName` is as sent, `nil` for a plain field.
        case began(name: String, fileName: String?)
        case data([UInt8])
        case ended
    }

    private enum State { case delimiter, head, content, epilogue }

    static let maximumHeadBytes = 8 * 1024
    /// A form of one file needs no more, and parts without content cost the most work for each byte.
    static let maximumParts = 16

    private let delimiter: [UInt8]
    private var state = State.content
    /// Before the first delimiter stands a preamble, which is skipped.
    private var isPreamble = true
    private var parts = 0
    private var buffer: [UInt8]

    /// - Parameter contentType: the request's; it names the boundary.
    /// - Throws: `unsupported_media_type` when it is not `multipart/form-data`, `invalid_request` without a boundary.
    init(contentType: String?) throws(InvokError) {
        let value = HeaderValue(contentType ?? "")
        guard value.first.lowercased() == "multipart/form-data" else {
            throw InvokError(
                .unsupportedMediaType, "the body must be multipart/form-data",
                nextStep: "upload with 'invok deploy', or 'curl -F file=@NAME.zip'")
        }
        guard let boundary = value.parameters["boundary"], (1...70).contains(boundary.utf8.count) else {
            throw .invalidRequest("the Content-Type names no boundary of 1 to 70 characters")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first delimiter may stand at the very beginning, where its line break has no bytes.
        buffer = [0x0D, 0x0A]
    }

    /// Whether the closing delimiter has been seen.
    var isComplete: Bool { state == .epilogue }

    /// Takes the next bytes.
    /// - Throws: `invalid_request`.
    mutating func consume(_ bytes: some Collection<UInt8>) throws(InvokError) -> [Event] {
        buffer.append(contentsOf: bytes)
        var events: [Event] = []
        while try step(&events) {}
        return events
    }

    /// - Returns: whether something was done, so that more may be.
    private mutating func step(_ events: inout [Event]) throws(InvokError) -> Bool {
        switch state {
        case .content:
            let (end, isFound) = Self.position(of: delimiter, in: buffer)
            if !isPreamble, end > 0 { events.append(.data(Array(buffer[..<end]))) }
            buffer.removeFirst(isFound ? end + delimiter.count : end)
            guard isFound else { return false }
            if !isPreamble { events.append(.ended) }
            isPreamble = false
            state = .delimiter
        case .delimiter:
            // What follows the delimiter: "--" at the end of all, else blanks and a line break.
            guard buffer.count >= 2 else { return false }
            if buffer[0] == UInt8(ascii: "-"), buffer[1] == UInt8(ascii: "-") {
                state = .epilogue
                return true
            }
            let blanks = buffer.prefix { $0 == 0x20 || $0 == 0x09 }.count
            guard blanks <= Self.maximumHeadBytes else { throw Self.headTooLarge }
            guard buffer.count >= blanks + 2 else { return false }
            guard buffer[blanks] == 0x0D, buffer[blanks + 1] == 0x0A else { throw Self.malformed }
            // The line break stays: a head without fields is then found in the same way as one with some.
            buffer.removeFirst(blanks)
            state = .head
        case .head:
            let (end, isFound) = Self.position(of: [0x0D, 0x0A, 0x0D, 0x0A], in: buffer)
            guard isFound else {
                guard buffer.count <= Self.maximumHeadBytes else { throw Self.headTooLarge }
                return false
            }
            guard end <= Self.maximumHeadBytes else { throw Self.headTooLarge }
            parts += 1
            guard parts <= Self.maximumParts else {
                throw .invalidRequest(
                    "the multipart body has more than \(Self.maximumParts) parts", nextStep: "send the file alone")
            }
            events.append(try Self.began(buffer[..<end]))
            buffer.removeFirst(end + 4)
            state = .content
        case .epilogue:
            buffer.removeAll()
            return false
        }
        return true
    }

    private static let malformed = InvokError.invalidRequest("the multipart body is malformed")

    private static let headTooLarge = InvokError.invalidRequest(
        "the head of a part of the multipart body is larger than \(maximumHeadBytes) bytes")

    private static func began(_ head: ArraySlice<UInt8>) throws(InvokError) -> Event {
        for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { throw malformed }
            guard line[..<colon].lowercased() == "content-disposition" else { continue }
            let value = HeaderValue(String(line[line.index(after: colon)...]))
            guard value.first.lowercased() == "form-data", let name = value.parameters["name"] else { throw malformed }
            return .began(name: name, fileName: value.parameters["filename"])
        }
        throw malformed
    }

    /// Where a mark stands, or else where what may become one begins.
    private static func position(of mark: [UInt8], in bytes: [UInt8]) -> (offset: Int, isFound: Bool) {
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count, let base = bytes.baseAddress {
                guard let hit = memchr(base + offset, Int32(mark[0]), bytes.count - offset) else {
                    return (bytes.count, false)
                }
                offset = base.distance(to: UnsafeRawPointer(hit))
                let available = min(mark.count, bytes.count - offset)
                if mark.prefix(available).elementsEqual(bytes[offset..<offset + available]) {
                    return (offset, available == mark.count)
                }
                offset += 1
            }
            return (bytes.count, false)
        }
    }
}

/// A header value with parameters: `first; name=value; name="value"` (RFC 9110 §5.6.6).
struct HeaderValue {
    /// What stands before the first semicolon, without blanks around it.
    let first: String
    /// By name in lower case; the first of a name counts.
    let parameters: [String: String]

    init(_ text: String) {
        var pieces: [String] = [""]
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if isEscaped {
                pieces[pieces.count - 1].append(character)
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ";", !isQuoted {
                pieces.append("")
            } else {
                pieces[pieces.count - 1].append(character)
            }
        }
        first = Self.trimmed(pieces[0])
        parameters = Dictionary(
            pieces.dropFirst().compactMap { piece in
                guard let equals = piece.firstIndex(of: "=") else { return nil }
                return (
                    Self.trimmed(String(piece[..<equals])).lowercased(),
                    Self.trimmed(String(piece[piece.index(after: equals)...]))
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
