/// The head of a message, or its trailers, as they came: the bytes, and where in them the parts are.
struct MessageHead: Hashable, Sendable {
    /// A line `name: value`, by the offsets of its parts.
    struct Field: Hashable, Sendable {
        let name: Range<Int>
        /// Without the spaces around it.
        let value: Range<Int>
    }

    let bytes: [UInt8]
    let fields: [Field]

    func name(_ field: Field) -> ArraySlice<UInt8> { bytes[field.name] }
    func value(_ field: Field) -> ArraySlice<UInt8> { bytes[field.value] }

    /// The values of the fields of this name.
    /// - Parameter name: in lower case.
    func values(_ name: StaticString) -> [ArraySlice<UInt8>] {
        fields.filter { isNamed($0, name) }.map { bytes[$0.value] }
    }

    /// Whether a field has this name, in whatever case (RFC 9110 §5.1).
    func isNamed(_ field: Field, _ name: StaticString) -> Bool {
        name.utf8CodeUnitCount == field.name.count
            && name.withUTF8Buffer { Characters.areEqual(bytes[field.name], $0) }
    }

    /// Whether an element of a list of tokens, such as `Connection`, is this one.
    /// - Parameters:
    ///   - option: in lower case.
    ///   - name: in lower case.
    func lists(_ option: StaticString, in name: StaticString) -> Bool {
        values(name).contains { value in
            value.split(separator: UInt8(ascii: ",")).contains { element in
                let element = Characters.trimmed(element)
                return element.count == option.utf8CodeUnitCount
                    && option.withUTF8Buffer { Characters.areEqual(element, $0) }
            }
        }
    }
}
