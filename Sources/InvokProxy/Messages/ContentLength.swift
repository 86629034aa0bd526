/// The length of a message's body as `Content-Length` declares it (RFC 9110 §8.6): the one place that reads it.
package enum ContentLength {
    /// - Parameter text: the field's value, without spaces around it.
    /// - Returns: the length in bytes; `nil` unless the value is digits alone and fits 63 bits.
    package static func parse(_ text: some StringProtocol) -> Int? { Characters.number(text.utf8) }
}
