/// The length of a message's body as `Content-Length` declares it (RFC 9110 §8.6): the one place that reads it.
public enum ContentLength {
    /// - Parameter text: the field's value, without spaces around it.
    /// - Returns: the length in bytes; `nil` unless the value is digits alone and fits 63 bits. A sign, a list or a larger
    ///   number, which another reader might take for a different length, is none.
    public static func parse(_ text: some StringProtocol) -> Int? {
        let digits = text.utf8
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
