#if canImport(Darwin)
    import Foundation
#else
    @_spi(_Unicode) import Swift
#endif

extension String {
    /// The text in Unicode's normalization form C (UAX #15): what looks the same and is canonically equivalent has the
    /// same bytes, whichever keyboard typed it.
    var canonicallyComposed: String {
        #if canImport(Darwin)
            precomposedStringWithCanonicalMapping
        #else
            // The standard library's own tables, which its comparison of strings uses; the small Foundation has none.
            String(String.UnicodeScalarView(_nfc))
        #endif
    }
}
