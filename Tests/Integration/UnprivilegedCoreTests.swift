import Foundation
import TestSupport
import Testing

/// The server as a user without any privilege: with user namespaces it isolates all the same.
@Suite struct UnprivilegedCoreTests {
    static let isRoot = geteuid() == 0
    /// Becomes nobody; for whoever is not root already, nothing.
    static let asNobody =
        isRoot ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] : []

    /// Whether this machine lets unprivileged users make sandboxes at all.
    static let canMakeSandboxes: Bool = {
        let command = asNobody + ["/usr/bin/bwrap", "--unshare-user", "--ro-bind", "/", "/", "/usr/bin/true"]
        return (try? Self.run(command, environment: [:]).status) == 0
    }()

    static func run(
        _ command: [String], environment: [String: String], in directory: String = "/"
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = environment
        process.currentDirectoryURL = URL(filePath: directory)
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    @Test(.enabled(if: canMakeSandboxes, "unprivileged users cannot make namespaces on this machine"))
    func deploysAndInvokesAsNobody() async throws {
        let files = FileManager.default
        let directory = NSTemporaryDirectory() + "invok-nobody-\(UUID().uuidString.prefix(8))"
        try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: directory) }
        // Where the package lies, nobody may have no access.
        let executable = directory + "/invok-core"
        try files.copyItem(atPath: Products.url("invok-core").resolvingSymlinksInPath().path, toPath: executable)
        let home = directory + "/home"
        try files.createDirectory(atPath: home, withIntermediateDirectories: true)
        if Self.isRoot { try #require(chown(home, 65534, 65534) == 0 && chmod(directory, 0o755) == 0) }
        let log = directory + "/log"
        #expect(files.createFile(atPath: log, contents: nil))
        let core = try await CoreProcess.start(
            dataDirectory: home + "/data", port: 0,
            environment: ["HOME": home, "XDG_CACHE_HOME": home + "/cache", "INVOK_CACHE_DIR": "", "XDG_DATA_HOME": ""],
            command: Self.asNobody + [executable], errors: FileHandle(forWritingAtPath: log))
        let answer = Result { try Self.deployAndInvoke(on: core.url, in: directory) }
        await core.end(with: SIGTERM)
        let said = try String(contentsOfFile: log, encoding: .utf8)
        #expect(try answer.get() == "Hello from unprivileged!\n", "\(said)")
        #expect(said.contains("functions run as this user inside a user namespace"))
        #expect(said.contains("functions that ask for egress are refused: only root can give"))
        #expect(try files.attributesOfItem(atPath: home + "/data")[.posixPermissions] as? Int == 0o700)
    }

    private static func deployAndInvoke(on url: String, in directory: String) throws -> String {
        let environment = ["HOME": directory, "INVOK_HOST": url, "PATH": "/usr/bin:/bin"]
        var output = ""
        for arguments in [
            ["register", "-e", "ada@example.com", "-p", "a-good-password"],
            ["create", "-n", "unprivileged", "-r", "python"], ["deploy", "-n", "unprivileged"],
            ["invoke", "-n", "unprivileged"],
        ] {
            let result = try run(
                [Products.url("invok").path] + arguments, environment: environment, in: directory)
            try #require(result.status == 0, "invok \(arguments.joined(separator: " ")): \(result.output)")
            output = result.output
        }
        return output
    }
}
