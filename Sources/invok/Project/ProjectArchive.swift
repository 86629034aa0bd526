import InvokModel

/// A project's folder, packed for the upload and checked as the server will check it, so that errors come at once.
struct ProjectArchive: Hashable, Sendable {
    let bytes: [UInt8]
    let fileCount: Int
    let config: FunctionConfig
    /// What looks like somebody's secrets and is not in it.
    let secrets: [String]

    /// Packs a folder. It follows no links.
    /// - Parameters:
    ///   - folder: the path of the folder that holds `config.json`.
    ///   - limits: the largest archive, contents and number of files.
    ///   - included: globs of what is packed though it looks like a secret.
    /// - Throws: `Failure` that names the file.
    init(folder: String, limits: ArchiveLimits, including included: [String] = []) throws(Failure) {
        let ignoreFile = try Files.read(folder + "/" + IgnoreRules.fileName) ?? []
        var walk = Walk(
            folder: folder, rules: try IgnoreRules(String(decoding: ignoreFile, as: UTF8.self)),
            secretFiles: SecretFiles(including: included), limits: limits)
        try walk.visit("")
        do {
            let entries = walk.files.map { ArchiveEntry(path: $0.path, kind: .file, content: $0.content) }
            config = try SourceArchive(entries: entries).config
        } catch {
            throw Failure(error)
        }
        var writer = ZipWriter()
        for file in walk.files { writer.add(file.path, content: file.content, isExecutable: file.isExecutable) }
        bytes = writer.finish()
        fileCount = walk.files.count
        secrets = walk.secrets
        guard bytes.count <= limits.archiveBytes else {
            throw Self.tooLarge(ByteCount.text(bytes.count), most: limits.archiveBytes, files: walk.files)
        }
    }

    private struct File {
        let path: String
        let isExecutable: Bool
        let content: [UInt8]
    }

    private struct Walk {
        let folder: String
        let rules: IgnoreRules
        let secretFiles: SecretFiles
        let limits: ArchiveLimits
        var secrets: [String] = []
        var files: [File] = []
        var total = 0

        mutating func visit(_ parent: String) throws(Failure) {
            let location = parent.isEmpty ? folder : folder + "/" + parent
            for name in try Files.names(in: location) {
                let path = parent.isEmpty ? name : parent + "/" + name
                guard let status = try Files.status(folder + "/" + path) else { continue }
                if rules.excludes(path, isFolder: status.kind == .directory) { continue }
                if secretFiles.contain(path, isFolder: status.kind == .directory) {
                    secrets.append(path)
                    continue
                }
                switch status.kind {
                case .directory: try visit(path)
                case .file: try add(path, status)
                case .link:
                    throw Failure(
                        "invalid_archive", "'\(path)' is a link, and links are not deployed",
                        nextStep: "replace it by the file that it points to, or name it in \(IgnoreRules.fileName)")
                case .other:
                    throw Failure(
                        "invalid_archive", "'\(path)' is not a regular file",
                        nextStep: "remove it, or name it in \(IgnoreRules.fileName)")
                }
            }
        }

        private mutating func add(_ path: String, _ status: FileStatus) throws(Failure) {
            total += status.size
            // Stop before the memory is spent: what is packed is at least as large as what is read.
            guard total <= min(limits.contentBytes, limits.archiveBytes) else {
                throw ProjectArchive.tooLarge(
                    "more than \(ByteCount.text(total))", most: limits.archiveBytes,
                    files: files + [File(path: path, isExecutable: false, content: [])])
            }
            guard files.count < limits.entries else {
                throw Failure(
                    "payload_too_large", "the project has more than \(limits.entries) files",
                    nextStep: "name what the function does not need in \(IgnoreRules.fileName)")
            }
            guard let content = try Files.readRegular(folder + "/" + path) else { return }
            if secretFiles.contain(path, content: content) {
                total -= status.size
                secrets.append(path)
                return
            }
            files.append(File(path: path, isExecutable: status.isExecutable, content: content))
        }
    }

    private static func tooLarge(_ size: String, most: Int, files: [File]) -> Failure {
        let largest = files.max { $0.content.count < $1.content.count }
        let hint = largest.map { "; the largest file so far is '\($0.path)'" } ?? ""
        return Failure(
            "payload_too_large", "the project is \(size), but at most \(ByteCount.text(most)) can be deployed\(hint)",
            nextStep: "name what the function does not need in \(IgnoreRules.fileName)")
    }
}

/// Sizes in words.
enum ByteCount {
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
