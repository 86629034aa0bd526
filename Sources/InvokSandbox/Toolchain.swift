import InvokRuntimes

/// A language's tools on this machine, and where a sandbox sees them.
public struct Toolchain: Hashable, Sendable {
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case go
        case node
        case python3
        /// Compiles TypeScript in builds of Node's functions.
        case esbuild
    }

    public let name: Name
    /// As the tool says it, "1.27.3".
    public let version: String
    /// The executable on the host, links followed.
    public let executable: String
    /// The executable as the sandbox sees it.
    public let sandboxExecutable: String
    /// What is bound into the sandbox; nothing when it lies in `/usr`, which every sandbox has but for `/usr/local`.
    let mounts: [Sandbox.Mount]
    /// What is bound besides where functions are built.
    let buildMounts: [Sandbox.Mount]
    /// Where a sandbox sees the shared libraries of its own that it loads; `nil` where it has none, or in a folder that is
    /// searched anyway.
    let libraries: String?

    /// - Parameters:
    ///   - root: the file or directory that has all that the executable needs beyond the system's libraries.
    ///   - parts: what of `/usr/local` it needs, where that is the root; each stays where it is.
    ///   - companions: what builds need besides its root, as paths beside the folder that the executable is in.
    ///   - hasLibraries: whether `lib` in the root has shared libraries that the executable loads.
    init(
        name: Name, version: String, executable: String, root: String, parts: [String] = [], companions: [String] = [],
        hasLibraries: Bool = false
    ) {
        self.name = name
        self.version = version
        self.executable = executable
        let folder = "/opt/\(name.rawValue)"
        var libraries: String?
        var buildMounts: [Sandbox.Mount] = []
        if root == Self.local {
            sandboxExecutable = executable
            mounts = parts.map { Sandbox.Mount(source: $0, destination: $0) }
        } else if root == "/usr" || root.hasPrefix("/usr/") && !root.hasPrefix(Self.local + "/") {
            sandboxExecutable = executable
            mounts = []
        } else if root == executable {
            sandboxExecutable = "\(folder)/bin/\(name.rawValue)"
            mounts = [Sandbox.Mount(source: root, destination: sandboxExecutable)]
            let home = Self.home(of: executable)
            buildMounts = companions.map { Sandbox.Mount(source: "\(home)/\($0)", destination: "\(folder)/\($0)") }
        } else {
            sandboxExecutable = folder + executable.dropFirst(root.count)
            mounts = [Sandbox.Mount(source: root, destination: folder)]
            // Its own path to them leads nowhere there, and the system may have others of the same name.
            if hasLibraries { libraries = folder + "/lib" }
        }
        self.libraries = libraries
        self.buildMounts = buildMounts
    }

    static let local = "/usr/local"

    /// The folder beside the one that a program is in: `/opt/node` for `/opt/node/bin/node`.
    static func home(of executable: String) -> String {
        executable.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
    }

    /// The sandbox's directory with the executable.
    var sandboxDirectory: String {
        String(sandboxExecutable[..<(sandboxExecutable.lastIndex(of: "/") ?? sandboxExecutable.startIndex)])
    }

    /// What the tool itself needs to be told there.
    var environment: [String: String] { libraries.map { ["LD_LIBRARY_PATH": $0] } ?? [:] }

    /// `PATH` in a sandbox that has these tools.
    static func path(_ toolchains: [Toolchain]) -> String {
        (toolchains.map(\.sandboxDirectory) + ["/usr/local/bin", "/usr/bin", "/bin"]).joined(separator: ":")
    }
}
