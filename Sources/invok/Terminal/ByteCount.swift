/// Sizes in words.
enum ByteCount {
    static func files(_ count: Int) -> String { count == 1 ? "1 file" : "\(count) files" }

    /// `812 B`, `3.4 kB`, `50 MB`, with a factor of 1024.
    static func text(_ bytes: Int) -> String {
        if bytes < 1024 { return "\(bytes) B" }
        var value = Double(bytes) / 1024
        var unit = "kB"
        for larger in ["MB", "GB"] where value >= 1024 {
            value /= 1024
            unit = larger
        }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 || value >= 100 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
    }
}
