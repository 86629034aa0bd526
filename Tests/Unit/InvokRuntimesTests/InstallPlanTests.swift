import Invok
import Testing

@testable import InvokRuntimes

struct InstallPlanTests {
    private func plan(_ runtime: Runtime, _ files: [String: String]) throws -> InstallPlan? {
        let config = #"{"function_name":"hello","runtime":"\#(runtime.rawValue)"}"#
        let entries = files.merging(["config.json": config, runtime.sourceFileNames[0]: ""]) { given, _ in given }
        let source = try SourceArchive(
            entries: entries.sorted { $0.key < $1.key }.map {
                ArchiveEntry(path: $0.key, kind: .file, content: Array($0.value.utf8))
            })
        return try RuntimeSupport.of(runtime).installPlan(for: source)
    }

    /// What of the project is staged, without what is Invok's own.
    private func staged(_ runtime: Runtime, _ files: [String: String]) throws -> Set<String>? {
        try plan(runtime, files).map { plan in Set(plan.files.keys.filter { !$0.hasPrefix(".invok/") }) }
    }

    @Test func whatAsksForNothingInstallsNothing() throws {
        for runtime in Runtime.allCases { #expect(try plan(runtime, [:]) == nil) }
        #expect(try plan(.python, ["requirements.txt": "# none\n\n--index-url https://a.example\n"]) == nil)
        #expect(try plan(.python, ["pyproject.toml": "[tool.x]\n"]) == nil)
        #expect(try plan(.nodejs, ["package.json": #"{"type": "module", "devDependencies": {"a": "1"}}"#]) == nil)
        #expect(try plan(.nodejs, ["package.json": "no JSON"]) == nil)
        #expect(try plan(.go, ["go.mod": "module a\n\ngo 1.23\n"]) == nil)
    }

    /// The same manifests are the same installation, whatever else has changed.
    @Test func onlyWhatSaysWhatToInstallIsStaged() throws {
        let python = [
            "requirements.txt": "\u{FEFF}flask>=3 # web\r\n-r more/base.txt\n--constraint=limits.txt\n./lib\n-e near\n",
            "more/base.txt": "-r../third.txt\n", "third.txt": "six \\\n  >= 1\n", "limits.txt": "six<2\n",
            "lib/pyproject.toml": "", "lib/a/b.py": "", "near/setup.py": "", "library/c.py": "", "function.py": "x",
        ]
        #expect(
            try staged(.python, python) == [
                "requirements.txt", "more/base.txt", "third.txt", "limits.txt", "lib/pyproject.toml", "lib/a/b.py",
                "near/setup.py",
            ])
        let node = [
            "package.json": #"{"dependencies": {"a": "^1", "b": "file:./local/b"}}"#, "package-lock.json": "{}",
            "local/b/package.json": "{}", "local/c/package.json": "{}", "function.js": "x",
        ]
        #expect(try staged(.nodejs, node) == ["package.json", "package-lock.json", "local/b/package.json"])
        #expect(try plan(.nodejs, node)?.command.last == "ci")
        let go = [
            "go.mod": "module a\n\nrequire b.example/c v1.0.0\n", "go.sum": "", "lib/go.mod": "module d\n", "a.go": "",
        ]
        #expect(try staged(.go, go) == ["go.mod", "go.sum", "lib/go.mod"])
    }

    /// As PowerShell's `>` writes it.
    @Test(arguments: [true, false]) func requirementsMayBeUTF16(_ isLittle: Bool) throws {
        let units = Array("\u{FEFF}-r more.txt\r\n".utf16)
        let bytes = units.flatMap {
            isLittle ? [UInt8($0 & 0xFF), UInt8($0 >> 8)] : [UInt8($0 >> 8), UInt8($0 & 0xFF)]
        }
        let config = #"{"function_name":"hello","runtime":"python"}"#
        let source = try SourceArchive(entries: [
            ArchiveEntry(path: "config.json", kind: .file, content: Array(config.utf8)),
            ArchiveEntry(path: "function.py", kind: .file, content: []),
            ArchiveEntry(path: "more.txt", kind: .file, content: Array("six\n".utf8)),
            ArchiveEntry(path: "requirements.txt", kind: .file, content: bytes),
        ])
        #expect(try RuntimeSupport.of(.python).installPlan(for: source)?.files["more.txt"] != nil)
    }

    @Test func theProjectItselfMayBeAPackage() throws {
        let files = ["requirements.txt": "-e .\n", "pyproject.toml": "", "src/a/b.py": ""]
        #expect(try staged(.python, files)?.contains("src/a/b.py") == true)
    }

    @Test(arguments: [#"["packages/*", "!packages/no", "./lib"]"#, #"{"packages": ["packages/**", "lib/"]}"#])
    func workspacesAreStaged(_ patterns: String) throws {
        let files = [
            "package.json": #"{"workspaces": \#(patterns)}"#, "packages/a/package.json": "{}", "packages/a/i.js": "",
            "lib/package.json": "{}", "library/x.js": "", "yarn.lock": "",
        ]
        #expect(
            try staged(.nodejs, files) == [
                "package.json", "packages/a/package.json", "packages/a/i.js", "lib/package.json", "yarn.lock",
            ])
    }

    @Test func lockFilesThatNpmDoesNotReadAreHandedOn() throws {
        let files = ["package.json": #"{"dependencies": {"a": "1"}}"#, "pnpm-lock.yaml": ""]
        #expect(try plan(.nodejs, files)?.command.suffix(2) == ["install", "pnpm-lock.yaml"])
        let both = files.merging(["package-lock.json": "{}"]) { $1 }
        #expect(try plan(.nodejs, both)?.command.last == "ci")
    }

    @Test func whatIsBroughtAlongIsNotInstalled() throws {
        let node = ["package.json": #"{"dependencies": {"a": "1"}}"#, "node_modules/a/package.json": "{}"]
        #expect(try plan(.nodejs, node) == nil)
        let go = ["go.mod": "module a\n\nrequire b.example/c v1.0.0\n", "vendor/modules.txt": "# b.example/c v1.0.0\n"]
        #expect(try plan(.go, go) == nil)
        // Whether it is what is asked for, pip says.
        let python = [
            "requirements.txt": "six\n", "vendor/six.py": "", "vendor/six-1.16.0.dist-info/METADATA": "Name: six\n",
        ]
        #expect(try staged(.python, python) == ["requirements.txt", "vendor/six-1.16.0.dist-info/METADATA"])
        #expect(try plan(.python, python)?.isJudge == true)
    }

    /// A path that leads out of the project names nothing in it.
    @Test func pathsStayInTheProject() {
        #expect(SourceArchive.path("./lib/../other/", in: "app") == "app/other")
        #expect(SourceArchive.path("../../x", in: "app") == nil)
        #expect(SourceArchive.path("/etc/passwd", in: "") == nil)
    }

    @Test(arguments: [
        (Runtime.python, "ERROR: No matching distribution found for six==99 (from -r a)", "no registry has six==99"),
        (.python, "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "hash"),
        (.python, "WARNING: Retrying after connection broken: Max retries exceeded with url", "did not answer"),
        (.python, "ERROR: ResolutionImpossible: for help visit", "do not go with each other"),
        (.python, "  ERROR: Failed building wheel for six\n", "six has no wheel"),
        (.nodejs, "npm error code E404\nnpm error 404  'left-padd@^1' is not in this registry.", "no left-padd@^1"),
        (.nodejs, "npm error code ETARGET\nnpm error notarget No matching version found for a@9.", "has no a@9"),
        (.nodejs, "npm error code EUSAGE", "run 'npm install'"), (.nodejs, "npm error code EINTEGRITY", "hash"),
        (
            .go, "go: b.example/c@v9.0.0: reading http://x/go/b.example/c/@v/v9.0.0.mod: 404 Not Found",
            "b.example/c@v9.0.0"
        ),
        (.go, "verifying b.example/c@v1.0.0: checksum mismatch", "go.sum"),
    ])
    func whatWentWrongIsSaidInASentence(_ runtime: Runtime, _ log: String, _ words: String) {
        let sentence = RuntimeSupport.of(runtime).installFailureReason(log: log)
        #expect(sentence.contains(words), "\(sentence)")
    }
}
