import InvokHost

/// A language's tools on this machine, and where a sandbox sees them.
public struct Toolchain: Hashable, Sendable {
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case go
        case node
        case python3
    }

    public let name: Name
    /// As the tool says it, "1.27.3".
    public let version: String
    /// The executable on the host, links followed.
    public let executable: String
    /// What is bound into the sandbox, a file or a directory; `nil` when it lies in `/usr`, which every sandbox has.
    public let boundPath: String?
    /// The executable as the sandbox sees it.
    public let sandboxExecutable: String

    /// - Parameter root: the file or directory that has all that the executable needs beyond the system's libraries.
    init(name: Name, version: String, executable: String, root: String) {
        self.name = name
        self.version = version
        self.executable = executable
        if root == "/usr" || root.hasPrefix("/usr/") {
            boundPath = nil
            sandboxExecutable = executable
        } else {
            boundPath = root
            sandboxExecutable =
                executable == root
                ? "/opt/\(name.rawValue)/bin/\(name.rawValue)"
                : "/opt/\(name.rawValue)" + executable.dropFirst(root.count)
        }
    }

    var mounts: [Sandbox.Mount] {
        guard let boundPath else { return [] }
        return [
            Sandbox.Mount(
                source: boundPath,
                destination: boundPath == executable ? sandboxExecutable : "/opt/\(name.rawValue)")
        ]
    }

    /// The sandbox's directory with the executable.
    var sandboxDirectory: String {
        String(sandboxExecutable[..<(sandboxExecutable.lastIndex(of: "/") ?? sandboxExecutable.startIndex)])
    }

    /// `PATH` in a sandbox that has these tools.
    static func path(_ toolchains: [Toolchain]) -> String {
        (toolchains.map(\.sandboxDirectory) + ["/usr/local/bin", "/usr/bin", "/bin"]).joined(separator: ":")
    }
}
