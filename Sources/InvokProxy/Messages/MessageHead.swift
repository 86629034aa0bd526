/// The head of a message, or its trailers, as they came: the bytes, and where in them the parts are.
package struct MessageHead: Hashable, Sendable {
    /// A line `name: value`, by the offsets of its parts.
    package struct Field: Hashable, Sendable {
        package let name: Range<Int>
        /// Without the spaces around it.
        package let value: Range<Int>
    }

    package let bytes: [UInt8]
    package let fields: [Field]

    package func name(_ field: Field) -> ArraySlice<UInt8> { bytes[field.name] }
    package func value(_ field: Field) -> ArraySlice<UInt8> { bytes[field.value] }

    /// The values of the fields of this name.
    /// - Parameter name: in lower case.
    func values(_ name: StaticString) -> [ArraySlice<UInt8>] {
        fields.filter { isNamed($0, name) }.map { bytes[$0.value] }
    }

    /// Whether a field has this name, in whatever case (RFC 9110 §5.1).
    package func isNamed(_ field: Field, _ name: StaticString) -> Bool {
        Characters.areEqual(bytes[field.name], name)
    }

    /// Whether an element of a list of tokens, such as `Connection`, is this one.
    /// - Parameters:
    ///   - option: in lower case.
    ///   - name: in lower case.
    func lists(_ option: StaticString, in name: StaticString) -> Bool {
        values(name).contains { value in
            value.split(separator: UInt8(ascii: ",")).contains { element in
                Characters.areEqual(Characters.trimmed(element), option)
            }
        }
    }

    /// Whether the body comes in chunks (RFC 9112 §6.1).
    /// - Throws: `coding` where another reader might see another body: another coding, also below the chunks, would pass
    ///   for the content itself; HTTP/1.0 knows none; and a length beside it says otherwise.
    func isChunked(isHTTP10: Bool) throws(MessageFault) -> Bool {
        let codings = values("transfer-encoding")
        guard let coding = codings.first else { return false }
        guard codings.count == 1, Characters.areEqual(coding, "chunked"), values("content-length").isEmpty, !isHTTP10
        else { throw .coding }
        return true
    }

    /// The length that it declares for its body, in bytes; `nil` where it declares none.
    /// - Throws: `length` unless it is one plain number.
    func declaredLength() throws(MessageFault) -> Int? {
        let lengths = values("content-length")
        guard let text = lengths.first else { return nil }
        guard lengths.count == 1, let length = Characters.number(text) else { throw .length }
        return length
    }

    /// Whether the connection stays open behind the exchange, as far as this side is concerned (RFC 9112 §9.3).
    func keepsAlive(isHTTP10: Bool) -> Bool {
        isHTTP10 ? lists("keep-alive", in: "connection") : !lists("close", in: "connection")
    }
}
