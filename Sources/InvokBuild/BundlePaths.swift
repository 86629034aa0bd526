/// Judges the paths of what a build leaves, as those of an archive are judged: relative and inside, no twins, and bounded in
/// length, depth and number.
struct BundlePaths: Sendable {
    enum Kind: Sendable { case file, folder }

    /// A path and why it cannot be kept, for a sentence.
    struct Refusal: Error, Hashable, Sendable {
        let path: [UInt8]
        let reason: String
    }

    /// Longer than in archives, since builds put their own folders and suffixes to what is in those.
    static let maximumPathBytes = 1024
    static let maximumDepth = 48
    static let maximumCount = 200_000
    static let maximumBytes = 32 << 20

    private var count = 0
    private var bytes = 0
    private var folders: Set<[UInt8]> = [[]]
    /// In one letter case and one normal form, as disks exist that know no other.
    private var foldedFolders: Set<String> = []
    private var foldedFiles: Set<String> = []

    /// Takes the next path.
    /// - Returns: the path without what means nothing; `nil` for the folder of all.
    mutating func take(_ raw: [UInt8], _ kind: Kind) throws(Refusal) -> String? {
        func refuse(_ reason: String) -> Refusal { Refusal(path: raw, reason: reason) }
        var path = raw[...]
        if path.starts(with: "./".utf8) { path = path.dropFirst(2) }
        if kind == .folder, path.last == UInt8(ascii: "/") { path = path.dropLast() }
        if kind == .folder, path.isEmpty || path.elementsEqual(".".utf8) { return nil }
        let parts = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !path.isEmpty, path.count <= Self.maximumPathBytes, parts.count <= Self.maximumDepth else {
            throw refuse("is too long or too deep")
        }
        guard
            parts.allSatisfy({ !$0.isEmpty && $0.count <= 255 && !$0.elementsEqual(".".utf8) })
                && !parts.contains(where: { $0.elementsEqual("..".utf8) })
        else { throw refuse("is no path inside the bundle") }
        guard let text = String(validating: path, as: UTF8.self) else { throw refuse("is not UTF-8") }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" }) else {
            throw refuse("has a backslash or a control character")
        }
        count += 1
        bytes += path.count
        guard count <= Self.maximumCount, bytes <= Self.maximumBytes else { throw refuse("is one file too many") }
        guard folders.contains(Array(path.dropLast((parts.last?.count ?? 0) + 1))) else {
            throw refuse("is in a folder that is not there")
        }
        let folded = text.lowercased()
        let isNew =
            switch kind {
            // Two spellings of one folder hold no two spellings of a file.
            case .folder: folders.insert(Array(path)).inserted && !foldedFiles.contains(folded)
            case .file: !foldedFolders.contains(folded) && foldedFiles.insert(folded).inserted
            }
        guard isNew else { throw refuse("is there twice, or is one with another on some disks") }
        if kind == .folder { foldedFolders.insert(folded) }
        return text
    }
}
