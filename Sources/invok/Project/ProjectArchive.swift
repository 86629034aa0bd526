import InvokModel

/// A project's folder, packed for the upload and checked as the server will check it, so that errors come at once. The
/// same folder gives the same bytes.
struct ProjectArchive: Hashable, Sendable {
    let bytes: [UInt8]
    let config: FunctionConfig
    /// What is in it, by path.
    let files: [ProjectWalk.File]
    /// What is not in it.
    let leftOut: [LeftOut]

    /// Packs a folder.
    /// - Parameters:
    ///   - folder: the path of the folder that holds `config.json`.
    ///   - limits: the largest archive, contents and number of files.
    ///   - included: globs of what is packed though it looks like a secret.
    /// - Throws: `Failure` that names the file.
    init(folder: String, limits: ArchiveLimits, including included: [String] = []) throws(Failure) {
        let walk = try ProjectWalk(folder, limits: limits, secretFiles: SecretFiles(including: included))
        let total = walk.files.reduce(0) { $0 + $1.size }
        guard total <= limits.contentBytes else {
            throw Self.tooLarge("the project", total, most: limits.contentBytes, walk.files)
        }
        config = try Self.config(of: walk.files)
        var writer = ZipWriter()
        for file in walk.files {
            // What was a file a moment ago may be gone, or a link.
            guard let content = try Files.readRegular(file.source) else { continue }
            writer.add(
                file.path, content: content, isExecutable: file.isExecutable, deflated: Deflate.compressed(content))
            // Before the memory is spent.
            guard writer.bytes <= limits.archiveBytes else { break }
        }
        bytes = writer.finish()
        files = walk.files
        leftOut = walk.leftOut
        guard bytes.count <= limits.archiveBytes else {
            throw Self.tooLarge("the project, compressed,", bytes.count, most: limits.archiveBytes, walk.files)
        }
    }

    /// The size of all contents, in bytes.
    var contentBytes: Int { files.reduce(0) { $0 + $1.size } }

    /// What looks like somebody's secrets and is not in it.
    var secrets: [String] { leftOut.filter { $0.reason == .secret }.map(\.path) }

    /// Checks the files' names as the server will, and reads the configuration.
    private static func config(of files: [ProjectWalk.File]) throws(Failure) -> FunctionConfig {
        var entries: [ArchiveEntry] = []
        for file in files {
            let content = file.path == FunctionConfig.fileName ? try Files.readRegular(file.source) : nil
            entries.append(ArchiveEntry(path: file.path, kind: .file, content: content ?? []))
        }
        do {
            return try SourceArchive(entries: entries).config
        } catch {
            throw Failure(error)
        }
    }

    private static func tooLarge(
        _ what: String, _ size: Int, most: Int, _ files: [ProjectWalk.File]
    ) -> Failure {
        let largest = files.max { $0.size < $1.size }
        let hint = largest.map { "; the largest file is '\($0.path)' (\(ByteCount.text($0.size)))" } ?? ""
        return Failure(
            "payload_too_large",
            "\(what) is more than \(ByteCount.text(most)), which is the most that can be deployed\(hint)",
            nextStep: "name what the function does not need in \(IgnoreRules.fileName)")
    }
}
