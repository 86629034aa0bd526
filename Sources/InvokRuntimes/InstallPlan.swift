public import Invok

/// How the packages that a function asks for are fetched, before it is built. The builder stages `files`, runs `command` in
/// a folder with them, where it reaches the package registries, and keeps `output`.
///
/// What is installed follows from the files, the command and the tool alone: where these have not changed, what was
/// installed before is taken.
public struct InstallPlan: Sendable {
    /// Where the command works.
    public static let work = "/build"

    /// Where the packages end up.
    public enum Destination: Hashable, Sendable {
        /// In this folder of the bundle, and during the build at this path.
        case bundle(String, inBuild: String)
        /// At this path during the build; nothing of them is in the bundle as it is.
        case build(String)

        /// Where a build sees them.
        public var inBuild: String {
            switch self {
            case .bundle(_, let path), .build(let path): path
            }
        }
    }

    /// The manifests, and what they name in the archive, by path.
    public var files: [String: any ByteStream]
    /// A tool's name (`go`, `node`, `python3`) and its arguments.
    public var command: [String]
    public var environment: [String: String]
    /// Beside what `RuntimeSupport.buildPlan` says, for a build that has the packages.
    public var buildEnvironment: [String: String]
    /// The folder, below that of the files, that is kept. Where the command has left none, nothing had to be installed.
    public var output: String
    /// Whether it is run where no registry can be reached, too: it says what of the archive does not do.
    public var isJudge: Bool
    public var destination: Destination

    public init(
        files: [String: any ByteStream], command: [String], environment: [String: String] = [:],
        buildEnvironment: [String: String] = [:], output: String,
        isJudge: Bool = false, destination: Destination
    ) {
        self.files = files
        self.command = command
        self.environment = environment
        self.buildEnvironment = buildEnvironment
        self.output = output
        self.isJudge = isJudge
        self.destination = destination
    }
}
