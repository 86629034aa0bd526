import Foundation
import HTTPTypes
import Testing

@testable import InvokConsole

struct ConsoleFilesTests {
    private static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/InvokConsole/Web")
    private let files = ConsoleFiles(editorFolder: "/nowhere")

    private func answer(
        _ path: String, _ fields: HTTPFields = [:], method: HTTPRequest.Method = .get
    ) async -> ConsoleFiles.Answer? {
        await files.answer(
            to: HTTPRequest(method: method, scheme: nil, authority: "localhost", path: path, headerFields: fields))
    }

    /// Text files of the folder by their paths in it.
    private static func texts() throws -> [String: String] {
        let found = try #require(FileManager.default.enumerator(atPath: sources.path(percentEncoded: false)))
        var texts: [String: String] = [:]
        for case let path as String in found where path.contains(".") {
            texts[path] = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
        }
        return texts
    }

    @Test func allOfTheFolderIsInTheProgramAndNothingElse() throws {
        let texts = try Self.texts()
        #expect(texts.count > 10)
        #expect(Set(ConsoleFiles.embedded.keys) == Set(texts.keys))
        for (path, text) in texts {
            let isSame = ConsoleFiles.embedded[path, default: []] == Array(text.utf8)
            #expect(isSame, "\(path) is another one")
            #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 201, "\(path) is too long")
        }
    }

    @Test func namesChangeWithTheContentAndAreKeptForGood() async throws {
        let page = try #require(await answer("/"))
        let text = String(decoding: page.body, as: UTF8.self)
        #expect(page.head.headerFields[.cacheControl] == "no-cache" && !text.contains("{{"))
        #expect(text.contains("\(files.folder)/main.js"))
        #expect(files.folder.contains(/^\/assets\/[0-9a-f]{16}$/))
        let script = try #require(await answer("\(files.folder)/main.js"))
        #expect(script.head.headerFields[.cacheControl] == "public, max-age=31536000, immutable")
        #expect(script.head.headerFields[.contentType] == "text/javascript; charset=utf-8")
        for path in [
            "/assets/0000000000000000/main.js", "/main.js", "\(files.folder)/index.html", "/editor/codemirror.js",
        ] {
            #expect(await answer(path) == nil, "\(path)")
        }
        #expect(await answer("/", method: .post) == nil)
    }

    @Test func noPageMayDoMoreThanItMust() async throws {
        for path in ["/", "\(files.folder)/main.js", "\(files.folder)/preview.html"] {
            let fields = try #require(await answer(path)).head.headerFields
            let policy = try #require(fields[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors"), "\(path)")
            #expect(fields[.xContentTypeOptions] == "nosniff")
            #expect(fields[HTTPField.Name("Cross-Origin-Opener-Policy")!] == "same-origin")
            #expect(fields[HTTPField.Name("Cross-Origin-Resource-Policy")!] == "same-origin")
        }
        let page = try #require(await answer("/")?.head.headerFields[.contentSecurityPolicy])
        #expect(!page.contains("unsafe") && page.contains("frame-ancestors 'none'") && !page.contains("http"))
        let preview = try #require(
            await answer("\(files.folder)/preview.html")?.head.headerFields[.contentSecurityPolicy])
        #expect(preview.contains("sandbox allow-scripts;") && !preview.contains("allow-same-origin"))
        #expect(!preview.contains("connect-src") && preview.contains("frame-ancestors 'self'"))
        for (path, text) in try Self.texts() where path == "index.html" {
            #expect(!text.contains(/<script(?![^>]*src=)|\son\w+=|style=/), "something inline")
        }
    }

    @Test func whatTheBrowserHasOrTakesCompressedIsSentSo() async throws {
        let path = "\(files.folder)/main.js"
        let plain = try #require(await answer(path))
        let gzip = try #require(await answer(path, [.acceptEncoding: "br, gzip;q=0.5"]))
        #expect(gzip.head.headerFields[.contentEncoding] == "gzip" && gzip.body.prefix(2) == [0x1F, 0x8B])
        #expect(gzip.body.count < plain.body.count && plain.head.headerFields[.vary] == "Accept-Encoding")
        for coding in ["gzip;q=0", "br", "gzip;q=0.0"] {
            #expect(await answer(path, [.acceptEncoding: coding])?.body == plain.body, "\(coding)")
        }
        let tag = try #require(plain.head.headerFields[.eTag])
        let known = try #require(await answer(path, [.ifNoneMatch: "\"x\", W/\(tag)"]))
        #expect(known.head.status == .notModified && known.body.isEmpty)
        let head = try #require(await answer(path, method: .head))
        #expect(head.body.isEmpty && head.head.headerFields[.contentLength] == "\(plain.body.count)")
    }

    /// The page names each module that its first view needs, so that none is found only when another has come.
    @Test func thePageNamesTheModulesOfItsFirstView() throws {
        let texts = try Self.texts()
        var needed: Set = ["main.js"]
        var open = ["main.js"]
        while let path = open.popLast() {
            let folder = path.split(separator: "/").dropLast().map(String.init)
            for match in try #require(texts[path], "\(path)").matches(of: /(?m)^(?:import|export)\b[^;]*?"(\.[^"]+)";/)
            {
                var parts = folder
                for part in match.1.split(separator: "/") where part != "." {
                    if part == ".." { parts.removeLast() } else { parts.append(String(part)) }
                }
                let next = parts.joined(separator: "/")
                if needed.insert(next).inserted { open.append(next) }
            }
        }
        let index = try #require(texts["index.html"])
        let named = index.matches(of: /rel="modulepreload" href="\{\{folder\}\}\/([^"]+)"/).map { String($0.1) }
        #expect(Set(named) == needed)
    }
}
