import CConsole
public import HTTPTypes
import InvokModel

/// The web console: pages, scripts and styles, all of them in this program.
///
/// Their folder is named by the digest of all, so that a browser may keep them for good, and modules find each other by
/// relative names as they lie in the sources.
public struct ConsoleFiles: Sendable {
    /// What a browser gets.
    public struct Answer: Sendable {
        public let head: HTTPResponse
        public let body: [UInt8]
    }

    /// Where the files are, with the digest in it.
    let folder: String
    private let pages: [String: StaticFile]
    private let editor: EditorFiles

    /// - Parameter editorFolder: where CodeMirror 5 is installed, as Debian's libjs-codemirror does; where it is not, the
    ///   console has a plain text field in its place.
    public init(editorFolder: String = "/usr/share/javascript/codemirror") {
        let files = Self.embedded
        let names = files.keys.sorted()
        let digest = Digest(of: names.flatMap { Array($0.utf8) + files[$0, default: []] }).description.prefix(16)
        let folder = "/assets/\(digest)"
        editor = EditorFiles(folder: editorFolder)
        var pages: [String: StaticFile] = [:]
        for name in names where name != "index.html" {
            let policy = name == "preview.html" ? Policy.preview : Policy.file
            pages["\(folder)/\(name)"] = StaticFile(
                content: files[name, default: []], mediaType: Self.mediaType(of: name), policy: policy,
                lifetime: .immutable)
        }
        let index = String(decoding: files["index.html", default: []], as: UTF8.self)
            .replacing("{{folder}}", with: folder)
            .replacing("{{editor}}", with: editor.isThere ? EditorFiles.path : "")
        pages["/"] = StaticFile(
            content: Array(index.utf8), mediaType: "text/html; charset=utf-8", policy: .page, lifetime: .checked)
        self.folder = folder
        self.pages = pages
    }

    /// - Returns: `nil` for what is none of the console's files.
    public func answer(to request: HTTPRequest) async -> Answer? {
        guard [.get, .head].contains(request.method), let target = request.path else { return nil }
        let path = String(target.prefix { $0 != "?" })
        if let file = pages[path] { return file.answer(to: request) }
        return await editor.file(at: path)?.answer(to: request)
    }

    /// The files by their paths in Sources/InvokConsole/Web.
    static let embedded: [String: [UInt8]] = {
        var result: [String: [UInt8]] = [:]
        for index in 0..<invok_console_count() {
            guard let file = invok_console_file_at(index)?.pointee else { continue }
            result[String(cString: file.path)] = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
        }
        return result
    }()

    static func mediaType(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "html": "text/html; charset=utf-8"
        case "json": "application/json"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }
}
