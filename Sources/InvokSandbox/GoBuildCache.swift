import Glibc
import Invok
import InvokRuntimes

/// A cache of Go's standard library, compiled by the core itself. A build gets a copy of its own that is thrown away:
/// what one tenant's build writes, no other ever sees.
struct GoBuildCache: Sendable {
    /// The base; there once it is whole.
    let path: String

    init(directory: String, toolchain: Toolchain) {
        let recipe = RuntimeSupport.of(.go).recipeVersion
        path = "\(directory)/go-\(toolchain.version)-\(recipe)"
    }

    var isReady: Bool { Files.isDirectory(path) }

    /// A function that uses what functions use: building it compiles the packages and the flags they will need.
    static func sample() throws -> SourceArchive {
        let name = try FunctionName("warm")
        var files = RuntimeSupport.of(.go).template(for: name)
        let imports = [
            "bufio", "bytes", "compress/gzip", "context", "crypto/hmac", "crypto/rand", "crypto/sha256",
            "encoding/base64", "encoding/csv", "encoding/hex", "encoding/json", "encoding/xml", "errors",
            "html/template", "image/png", "io", "log", "log/slog", "maps", "math/big", "math/rand/v2", "os",
            "path/filepath",
            "regexp", "slices", "sort", "strconv", "strings", "sync/atomic", "text/template", "time", "unicode/utf8",
        ]
        files["packages.go"] = "package main\n\nimport (\n" + imports.map { "\t_ \"\($0)\"\n" }.joined() + ")\n"
        files[FunctionConfig.fileName] = #"{"function_name":"warm","runtime":"go"}"#
        return try SourceArchive(
            entries: files.map { ArchiveEntry(path: $0.key, kind: .file, content: Array($0.value.utf8)) })
    }

    /// Makes the folder into which a build writes its cache, with what the base has. Blocks on the disk.
    func prepare(_ folder: String) throws(SystemError) {
        try Files.makeDirectory(folder, mode: 0o777)
        guard isReady else { return }
        for subfolder in Files.names(in: path) where Files.isDirectory("\(path)/\(subfolder)") {
            try Files.makeDirectory("\(folder)/\(subfolder)", mode: 0o777)
            for name in Files.names(in: "\(path)/\(subfolder)") {
                try Self.copy("\(path)/\(subfolder)/\(name)", to: "\(folder)/\(subfolder)/\(name)")
            }
        }
        // Go removes old entries when it has not done so for a day, which would be work for nothing in a copy.
        try Files.write(Array("\(time(nil))".utf8), to: folder + "/trim.txt", mode: 0o666)
    }

    /// A second name for the core's file where a build, having another user, cannot write to it; else a copy.
    private static func copy(_ source: String, to destination: String) throws(SystemError) {
        if geteuid() == 0 {
            if link(source, destination) == 0 { return }
            guard errno == EMLINK || errno == EPERM else { throw SystemError("link", destination) }
        }
        guard let bytes = Files.read(source, limit: 1 << 30) else { throw SystemError("read", source) }
        try Files.write(bytes, to: destination, mode: 0o644)
    }

    /// Makes what the sample's build left the base. Blocks on the disk.
    func adopt(_ folder: String) throws(SystemError) {
        for file in try Files.plainFiles(below: folder) {
            if geteuid() == 0 {
                guard lchown("\(folder)/\(file)", 0, 0) == 0 else { throw SystemError("chown", file) }
            }
            guard chmod("\(folder)/\(file)", 0o644) == 0 else { throw SystemError("chmod", file) }
        }
        guard rename(folder, path) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
            throw SystemError("rename", path)
        }
    }
}
