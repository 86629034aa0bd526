import HTTPTypes
import InvokModel
import InvokPOSIX
import Synchronization

/// CodeMirror 5 as the system has it installed: a script of all its parts, and a style. Read when somebody edits first.
final class EditorFiles: Sendable {
    static let path = "/editor/"
    private static let parts = [
        "codemirror.js": [
            "lib/codemirror.js", "addon/edit/matchbrackets.js", "addon/edit/closebrackets.js",
            "addon/comment/comment.js",
            "mode/xml/xml.js", "mode/css/css.js", "mode/javascript/javascript.js", "mode/htmlmixed/htmlmixed.js",
            "mode/python/python.js", "mode/go/go.js",
        ],
        "codemirror.css": ["lib/codemirror.css"],
    ]
    private static let fileLimit = 4 << 20

    /// Whether it is installed.
    let isThere: Bool
    private let folder: String
    /// Reading and compressing half a megabyte is nothing for the pool that tasks run on.
    private let worker = WorkerPool(threads: 1)
    private let files = Mutex<[String: StaticFile]>([:])

    init(folder: String) {
        self.folder = folder
        isThere = Files.exists("\(folder)/lib/codemirror.js")
    }

    func file(at path: String) async -> StaticFile? {
        guard isThere, path.hasPrefix(Self.path) else { return nil }
        let name = String(path.dropFirst(Self.path.count))
        guard let parts = Self.parts[name] else { return nil }
        if let known = files.withLock({ $0[name] }) { return known }
        return await worker.run { [self] () -> StaticFile? in
            if let known = files.withLock({ $0[name] }) { return known }
            var content: [UInt8] = []
            for part in parts {
                guard let bytes = Files.read("\(folder)/\(part)", limit: Self.fileLimit) else { return nil }
                content += bytes + [UInt8(ascii: "\n")]
            }
            let file = StaticFile(
                content: content, mediaType: ConsoleFiles.mediaType(of: name), policy: .file, lifetime: .checked)
            file.prepare()
            files.withLock { $0[name] = file }
            return file
        }
    }
}
