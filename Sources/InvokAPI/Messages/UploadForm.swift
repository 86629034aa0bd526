import HTTPTypes
import Hummingbird
import Invok
import InvokProxy

/// The form that brings an archive (RFC 7578).
enum UploadForm {
    /// What may stand around the file: the heads of parts, plain fields.
    static let overheadBytes = 64 * 1024

    /// Reads the one file of a `multipart/form-data` body. Other fields are passed over.
    /// - Parameters:
    ///   - upload: what the file's content is written to as it comes.
    ///   - maximumBytes: the largest file; what is larger is not read to its end.
    /// - Returns: `NAME.zip`, without a path.
    /// - Throws: `payload_too_large`, `unsupported_media_type`, `invalid_request`, and what writing throws.
    static func read(from request: Request, into upload: Upload, maximumBytes: Int) async throws -> String {
        var parser = try MultipartParser(contentType: request.headers[.contentType])
        let tooLarge = InvokError(
            .payloadTooLarge, "the archive is larger than \(maximumBytes) bytes",
            nextStep: "leave out what the function does not need")
        if let declared = request.headers[.contentLength].flatMap({ ContentLength.parse($0) }),
            declared - maximumBytes > overheadBytes
        {
            throw tooLarge
        }
        var read = 0
        var fileName: String?
        var fileBytes = 0
        var isInFile = false
        for try await buffer in request.body {
            read += buffer.readableBytes
            guard read - maximumBytes <= overheadBytes else { throw tooLarge }
            for event in try parser.consume(buffer.readableBytesView) {
                switch event {
                case .began(let name, let given):
                    guard let given = given ?? (name.hasSuffix(".zip") ? name : nil) else { continue }
                    guard fileName == nil else { throw InvokError.invalidRequest("there is more than one file") }
                    fileName = baseName(given)
                    isInFile = true
                case .data(let bytes):
                    guard isInFile else { continue }
                    fileBytes += bytes.count
                    guard fileBytes <= maximumBytes else { throw tooLarge }
                    try await upload.append(bytes)
                case .ended: isInFile = false
                }
            }
        }
        guard parser.isComplete else { throw InvokError.invalidRequest("the multipart body ends too early") }
        guard let fileName else {
            throw InvokError.invalidRequest("there is no file", nextStep: "send one file part named NAME.zip")
        }
        return fileName
    }

    /// Some clients send the whole path.
    private static func baseName(_ path: String) -> String {
        path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    }
}
