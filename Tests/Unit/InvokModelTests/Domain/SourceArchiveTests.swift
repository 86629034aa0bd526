import Testing

@testable import InvokModel

struct SourceArchiveTests {
    static let config = Array(#"{"function_name":"hello","runtime":"go"}"#.utf8)
    static let project = [file("config.json", config), file("function.go", Array("package main".utf8))]

    private static func file(_ path: String, _ content: any ByteStream = [UInt8]()) -> ArchiveEntry {
        ArchiveEntry(path: path, kind: .file, content: content)
    }

    private func refusal(_ entries: [ArchiveEntry]) -> InvokError? {
        do throws(InvokError) {
            _ = try SourceArchive(entries: entries)
            return nil
        } catch {
            return error
        }
    }

    @Test func aProjectIsTaken() throws {
        let archive = try SourceArchive(
            entries: Self.project + [
                ArchiveEntry(path: "static/", kind: .directory), ArchiveEntry(path: "./", kind: .directory),
                Self.file("./static/ünïcode page.html"), Self.file(".hidden"), Self.file("a..b"), Self.file("..."),
            ])
        #expect(archive.config.name.description == "hello")
        #expect(
            Set(archive.files.keys) == [
                "config.json", "function.go", "static/ünïcode page.html", ".hidden", "a..b", "...",
            ])
        #expect(try archive.files["config.json"]?.beginning(.max) == Self.config)
    }

    @Test func whatFinderLeavesIsPassedOver() throws {
        let entries = Self.project.map { Self.file("hello/\($0.path)", $0.content) }
        let archive = try SourceArchive(
            entries: entries + [
                Self.file("hello/.DS_Store"), Self.file("hello/a/.DS_Store"), Self.file("__MACOSX/hello/._function.go"),
                Self.file("__MACOSX/._hello"), Self.file("hello/not.DS_Store"), Self.file("hello/._function.go"),
                Self.file("hello/a/._b"), Self.file("hello/a/__MACOSX/b"),
            ])
        #expect(Set(archive.files.keys) == ["config.json", "function.go", "not.DS_Store"])
        #expect(refusal(Self.project + [Self.file("__MACOSX/../../x")])?.code == .invalidArchive)
    }

    @Test func whatMayBeRunIsRemembered() throws {
        func entries(_ folder: String) -> [ArchiveEntry] {
            Self.project.map { Self.file(folder + $0.path, $0.content) }
                + [ArchiveEntry(path: folder + "bin/tool", kind: .file, isExecutable: true)]
        }
        for folder in ["", "hello/"] {
            #expect(try SourceArchive(entries: entries(folder)).executables == ["bin/tool"])
        }
    }

    @Test func byteOrderMarksAreTakenOffWhatToolsRead() throws {
        let marked: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("module m\r\n".utf8)
        let archive = try SourceArchive(
            entries: Self.project + [Self.file("go.mod", marked), Self.file("go.sum"), Self.file("data.txt", marked)])
        #expect(try archive.files["go.mod"]?.beginning(.max) == Array("module m\r\n".utf8))
        #expect(archive.files["go.mod"]?.count == marked.count - 3)
        #expect(try archive.files["data.txt"]?.beginning(.max) == marked)
    }

    @Test(arguments: [
        ("go", "cmd/web", ["cmd/web/main.go"]), ("go", "cmd/web/main.go:Serve", ["cmd/web/main.go"]),
        ("go", ".", ["web.go"]), ("python", "src/app.py:app", ["src/app.py"]), ("nodejs", "lib/x.mjs", ["lib/x.mjs"]),
    ])
    func anEntryTakesThePlaceOfTheUsualFile(runtime: String, entry: String, files: [String]) throws {
        let config = Array(#"{"function_name":"hello","runtime":"\#(runtime)","entry":"\#(entry)"}"#.utf8)
        let archive = try SourceArchive(entries: [Self.file("config.json", config)] + files.map { Self.file($0) })
        #expect(archive.functionPath == entry.prefix { $0 != ":" })
        #expect(archive.config.entry?.description == entry)
    }

    @Test(arguments: [
        ("python", "lambda_function.lambda_handler", "lambda_function.py", "lambda_function.py:lambda_handler"),
        ("python", "app.main:app", "app/main.py", "app/main.py:app"), ("python", "app:app", "app.py", "app.py:app"),
        ("nodejs", "index.handler", "index.js", "index.js:handler"), ("go", "web", "web.go", "web.go"),
        ("python", "web", "web/a.txt", "src/app.py:app"),
    ])
    func anEntryThatIsNotThereIsToldWithWhatIsMeant(
        runtime: String, entry: String, file: String, meant: String
    ) throws {
        let config = Array(#"{"function_name":"hello","runtime":"\#(runtime)","entry":"\#(entry)"}"#.utf8)
        let error = refusal([Self.file("config.json", config), Self.file(file)])
        #expect(error?.code == .invalidConfig && error?.nextStep?.contains(meant) == true, "\(error as Any)")
    }

    @Test(arguments: [
        ("python", "main.py", #"write "entry": "main.py""#), ("nodejs", "src/index.ts", #""src/index.ts""#),
        ("go", "main.go", #""main.go""#), ("go", "x.go", #"as "entry""#),
    ])
    func aFunctionThatLiesElsewhereIsFound(runtime: String, file: String, words: String) {
        let config = Array(#"{"function_name":"hello","runtime":"\#(runtime)"}"#.utf8)
        let error = refusal([Self.file("config.json", config), Self.file(file)])
        #expect(error?.code == .invalidArchive && error?.nextStep?.contains(words) == true, "\(error as Any)")
    }

    @Test func oneEnclosingFolderIsTakenOff() throws {
        let entries = Self.project.map { Self.file("hello/\($0.path)", $0.content) }
        let archive = try SourceArchive(
            entries: [ArchiveEntry(path: "hello/", kind: .directory)] + entries + [Self.file("hello/hello/x")])
        #expect(Set(archive.files.keys) == ["config.json", "function.go", "hello/x"])
        #expect(refusal(entries + [Self.file("other/x")])?.message == "the archive has no config.json")
        #expect(refusal(entries.map { Self.file("outer/\($0.path)", $0.content) })?.code == .invalidArchive)
    }

    @Test(arguments: [
        "..", "../x", "a/../b", "a/..", "./../x", "/x", "//x", ".//x", "/", "a//b", "a/", "a/./b", ".", "./", "",
        "a\\b",
        "..\\x", "C:\\x", "a\u{0}b", "a\nb", "a\u{7F}", "\u{1B}[2J", String(repeating: "a/", count: 32) + "a",
        String(repeating: "a", count: 256), String(repeating: "a/", count: 300) + "a",
        String(repeating: "é", count: 128), "../\u{301}x", "a/\u{301}/../b", "/\u{301}x",
    ])
    func aHostilePathIsRefused(path: String) {
        let error = refusal(Self.project + [Self.file(path)])
        #expect(error?.code == .invalidArchive)
        #expect(error?.message.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
        #expect((error?.message.utf8.count ?? .max) < 500)
    }

    @Test(arguments: ["../x/", "/x/", "a/../b/", "a\\b/", "a//b/"])
    func aHostileFolderIsRefused(path: String) {
        #expect(refusal(Self.project + [ArchiveEntry(path: path, kind: .directory)])?.code == .invalidArchive)
    }

    @Test(arguments: [ArchiveEntry.Kind.symbolicLink, .hardLink, .other])
    func whatIsNoFileIsRefused(kind: ArchiveEntry.Kind) {
        let error = refusal(Self.project + [ArchiveEntry(path: "link", kind: kind)])
        #expect(error?.code == .invalidArchive)
        #expect(error?.message.contains("'link' is ") == true)
    }

    @Test(arguments: [
        ("function.go", "function.go"), ("Function.GO", "function.go"), ("./config.json", "config.json"),
        ("CONFIG.json", "config.json"),
    ])
    func namesThatCollideAreRefused(path: String, earlier: String) {
        let error = refusal(Self.project + [Self.file(path)])
        #expect(error?.code == .invalidArchive)
        #expect(error?.message.contains("'\(earlier)'") == true)
    }

    @Test(arguments: [("é", "e\u{301}"), ("Ä", "ä"), ("dir/x", "DIR/X")])
    func namesThatCollideOnSomeDisksAreRefused(one: String, other: String) {
        #expect(refusal(Self.project + [Self.file(one), Self.file(other)])?.code == .invalidArchive)
    }

    @Test(arguments: [("é/a", "e\u{301}/b"), ("x/Å/a", "x/\u{212B}/b/c"), ("x/é/a/b", "x/e\u{301}/c")])
    func foldersThatAreOneOnSomeDisksAreRefused(one: String, other: String) {
        let error = refusal(Self.project + [Self.file(one), Self.file(other)])
        #expect(error?.message.contains("two spellings") == true)
        #expect(refusal(Self.project + [Self.file(one), Self.file(one + "2")]) == nil)
    }

    @Test func aTwinIsNotCalledTheSame() {
        let error = refusal(Self.project + [Self.file("é"), Self.file("e\u{301}")])
        #expect(error?.message.contains("one file on some disks") == true)
    }

    @Test(arguments: [("a", "a/b"), ("a/b/c", "A"), ("config.json/x", "y")])
    func aFileIsNoFolderToo(one: String, other: String) {
        #expect(refusal(Self.project + [Self.file(one), Self.file(other)])?.code == .invalidArchive)
    }

    @Test func whatIsMissingIsNamed() {
        #expect(refusal([])?.message == "the archive has no files")
        #expect(refusal([ArchiveEntry(path: "a/", kind: .directory)])?.message == "the archive has no files")
        #expect(refusal([Self.project[1]])?.message == "the archive has no config.json")
        #expect(refusal([Self.project[0]])?.message == "the archive has no function.go")
        #expect(refusal([Self.project[0], Self.file("function.py")])?.message == "the archive has no function.go")
        #expect(refusal([Self.project[0], Self.file("sub/function.go")])?.message == "the archive has no function.go")
    }

    @Test func aWrongConfigIsItsOwnError() {
        #expect(refusal([Self.file("config.json", [0x7B])])?.code == .invalidConfig)
    }

    @Test func aHugeConfigIsNotRead() {
        let error = refusal([Self.file("config.json", [UInt8](repeating: 0x20, count: 70_000)), Self.project[1]])
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.contains("larger than") == true)
    }

    @Test(arguments: ["function.js", "function.ts", "function.mjs"])
    func nodeHasSeveralSourceNames(name: String) throws {
        let config = Array(#"{"function_name":"hello","runtime":"nodejs"}"#.utf8)
        #expect(try SourceArchive(entries: [Self.file("config.json", config), Self.file(name)]).files.count == 2)
    }
}
