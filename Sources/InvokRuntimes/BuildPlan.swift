public import Invok

/// How an archive becomes a bundle. The builder stages `files`, runs `command` in a folder with them and keeps `output`.
///
/// The builder sets `HOME`, `TMPDIR` and `PATH`, and for Go `GOCACHE`; `environment` is added to those.
public struct BuildPlan: Sendable {
    /// What of the staging folder is the bundle.
    public enum Output: Hashable, Sendable {
        /// The whole folder, which the command may write to.
        case everything
        /// This one folder at the top, which the command makes, with programs. What is staged cannot be written to.
        case folder(String)
    }

    /// The folder of a bundle that is Invok's own; an archive cannot have it.
    package static let shimFolder = ".invok"
    /// A compiled function, in that folder.
    package static let programName = "function"

    /// All that is staged: the user's files and generated ones, by path.
    public var files: [String: any ByteStream]
    /// Those of all its files that may be run.
    public var executables: Set<String>
    /// What lies in the bundle beside what is kept: the user's files, by path.
    public var beside: [String: any ByteStream]
    /// A tool's name (`go`, `node`, `python3`) and its arguments.
    public var command: [String]
    public var environment: [String: String]
    public var output: Output

    public init(
        files: [String: any ByteStream], executables: Set<String> = [], beside: [String: any ByteStream] = [:],
        command: [String], environment: [String: String], output: Output
    ) {
        self.files = files
        self.executables = executables
        self.beside = beside
        self.command = command
        self.environment = environment
        self.output = output
    }

    /// The sentence that a checking script of Invok put into its output, in a line that starts with `invok: `.
    static func sentence(in log: String) -> String? {
        let mark = "invok: "
        return log.split(whereSeparator: \.isNewline).last { $0.hasPrefix(mark) }.map {
            String($0.dropFirst(mark.count))
        }
    }
}

/// How an instance is started, with the bundle at `/bundle`, which is also the working directory.
public struct LaunchPlan: Hashable, Sendable {
    /// A path inside the bundle or a tool's name (`node`, `python3`), and the arguments.
    public var command: [String]
    public var environment: [String: String]

    public init(command: [String], environment: [String: String] = [:]) {
        self.command = command
        self.environment = environment
    }
}
