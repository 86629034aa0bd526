import InvokModel

/// What `deploy --dry-run` shows: the files that would go, and what would not.
struct DryRun {
    let name: FunctionName
    let archive: ProjectArchive

    private struct Result: Encodable {
        struct File: Encodable {
            var path: String
            var bytes: Int
            var executable: Bool
            /// Whether a link led to it.
            var linked: Bool
        }

        struct Omission: Encodable {
            var path: String
            var reason: String
            /// The line of `.invokignore` that names it.
            var by: String?
        }

        var name: String
        var files: [File]
        var leftOut: [Omission]
        /// Of all contents, and of the archive.
        var bytes: Int
        var archiveBytes: Int

        enum CodingKeys: String, CodingKey {
            case name, files, bytes
            case leftOut = "left_out"
            case archiveBytes = "archive_bytes"
        }
    }

    func show(on console: Console) throws {
        guard !console.isJSON else { return try console.json(result) }
        var files = Table("SIZE", "FILE")
        for file in archive.files { files.add(ByteCount.text(file.size), file.path) }
        console.result(files)
        if !archive.leftOut.isEmpty {
            var omissions = Table("LEFT OUT", "WHY")
            for omission in archive.leftOut { omissions.add(omission.path, omission.reason.text) }
            console.result("")
            console.result(omissions)
        }
        let size = "\(ByteCount.files(archive.files.count)), \(ByteCount.text(archive.contentBytes))"
        console.note("\(name) would be \(size), \(ByteCount.text(archive.bytes.count)) as it is sent; nothing was sent")
    }

    private var result: Result {
        Result(
            name: name.description,
            files: archive.files.map {
                Result.File(path: $0.path, bytes: $0.size, executable: $0.isExecutable, linked: $0.isLinked)
            },
            leftOut: archive.leftOut.map {
                Result.Omission(path: $0.path, reason: $0.reason.code, by: $0.reason.line)
            },
            bytes: archive.contentBytes, archiveBytes: archive.bytes.count)
    }
}

extension LeftOut.Reason {
    /// For programs; never changed.
    fileprivate var code: String {
        switch self {
        case .standard: "standard"
        case .ignored: "ignored"
        case .secret: "secret"
        case .virtualEnvironment: "virtual_environment"
        case .packageStore: "package_store"
        }
    }

    fileprivate var line: String? {
        guard case .ignored(let line) = self else { return nil }
        return line
    }

    fileprivate var text: String {
        switch self {
        case .standard: "no project needs it"
        case .ignored(let line): line
        case .secret: "looks like a secret; --include uploads what you name"
        case .virtualEnvironment: "a virtual environment, made for this machine"
        case .packageStore: "its packages go where links stand for them"
        }
    }
}
