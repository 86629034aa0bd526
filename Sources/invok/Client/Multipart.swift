/// A `multipart/form-data` body with one file part (RFC 7578).
struct Multipart {
    let contentType: String
    let body: [UInt8]

    /// - Parameter fileName: ASCII without quotes; also the name of the part.
    init(fileName: String, content: [UInt8]) {
        // 128 random bits: no content holds the boundary by chance.
        let boundary =
            "invok-" + String(UInt64.random(in: .min ... .max), radix: 16)
            + String(UInt64.random(in: .min ... .max), radix: 16)
        contentType = "multipart/form-data; boundary=\(boundary)"
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(fileName)\"; filename=\"\(fileName)\"\r\n"
            + "Content-Type: application/zip\r\n\r\n"
        body = Array(head.utf8) + content + Array("\r\n--\(boundary)--\r\n".utf8)
    }
}
