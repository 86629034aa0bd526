/// Parameters in one block of memory, as libpq wants to be shown them.
struct EncodedParameters {
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    var count: Int { offsets.count }

    init(_ parameters: [Parameter]) throws(PostgresError) {
        for parameter in parameters {
            let value = try parameter.encoded()
            offsets.append(value == nil ? nil : bytes.count)
            lengths.append(Int32(clamping: value?.count ?? 0))
            formats.append(parameter.isBinary ? 1 : 0)
            if let value { bytes += value }
        }
        // So that an empty value at the end has an address too.
        bytes.append(0)
    }

    /// - Parameter body: gets the values' addresses, lengths and formats.
    func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>) -> Value
    ) -> Value {
        bytes.withUnsafeBytes { buffer in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { start?.advanced(by: $0) } }
            // One more each, so that none is without an address.
            return (pointers + [nil]).withUnsafeBufferPointer { pointers in
                (lengths + [0]).withUnsafeBufferPointer { lengths in
                    (formats + [0]).withUnsafeBufferPointer { formats in
                        guard let first = pointers.baseAddress, let second = lengths.baseAddress,
                            let third = formats.baseAddress
                        else { preconditionFailure("none of them is empty") }
                        return body(first, second, third)
                    }
                }
            }
        }
    }
}

/// Shows C strings as an array that ends with a null pointer.
func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    var bytes: [CChar] = []
    var offsets: [Int] = []
    for string in strings {
        offsets.append(bytes.count)
        bytes += string.utf8CString
    }
    return bytes.withUnsafeBufferPointer { buffer in
        let pointers: [UnsafePointer<CChar>?] = offsets.map { buffer.baseAddress?.advanced(by: $0) } + [nil]
        return pointers.withUnsafeBufferPointer { pointers in
            guard let first = pointers.baseAddress else { preconditionFailure("it has its end at least") }
            return body(first)
        }
    }
}
