import Glibc
import Invok
import InvokPOSIX
import InvokRuntimes

/// Where builds run, isolated: sandboxes of this machine, or containers.
package protocol BuildPlace: Sendable {
    /// This place's alone, for finished bundles and folders of builds.
    var bundlesDirectory: String { get }
    /// Any number of cores of one user may share it; what lies there can be made again.
    var cacheDirectory: String { get }
    var clock: any Clock { get }
    /// The tool that a build plan names.
    /// - Throws: `unavailable` when this place has none.
    func tool(_ name: String) async throws(BuildError) -> BuildTool
    /// Runs a command to its end, and captures its standard error. Cancelling the task ends it at once.
    /// - Parameters:
    ///   - output: is called with the standard error as it comes, in order, and does not wait.
    ///   - result: is called with what comes by the standard output, in order, on threads of `disk`. The command is ended
    ///     once it returns `false`.
    ///   - began: is called once the command runs: a place that is busy may take a while until then.
    func run(
        _ isolation: Isolation, with tool: BuildTool, outputLimit: Int,
        output: @escaping @Sendable (ArraySlice<UInt8>) -> Void,
        result: @escaping @Sendable (ArraySlice<UInt8>) -> Bool, began: @escaping @Sendable () -> Void
    ) async throws(BuildError) -> CapturedRun
    /// What builds may reach outside; `nil` for nothing.
    var registries: (any BuildRegistries)? { get }
    /// Puts `invok-init` into a folder, for every user.
    /// - Returns: its path.
    func installInit(in folder: String) throws(SystemError) -> String
    /// For what moves many bytes, where that holds up nobody.
    var disk: WorkerPool { get }
    /// Where what a build leaves behind ends.
    var quarantine: Quarantine { get }
}

extension BuildPlace {
    func onDisk<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value { await disk.run(work) }
}

/// A language's tool as builds see it.
package struct BuildTool: Hashable, Sendable {
    /// As build plans say it: `go`, `node`, `python3`.
    package let name: String
    /// What takes its place in the command.
    package let executable: String
    package let mounts: [Isolation.Mount]
    /// Beside what every build has.
    package let environment: [String: String]
    /// Names this very tool, so that what it compiled is not taken for another's.
    package let identity: String

    package init(
        name: String, executable: String, mounts: [Isolation.Mount] = [], environment: [String: String] = [:],
        identity: String
    ) {
        self.name = name
        self.executable = executable
        self.mounts = mounts
        self.environment = environment
        self.identity = identity
    }

    /// The same with the compiler of TypeScript, which Node's check runs where it is told of one.
    /// - Parameters:
    ///   - path: its executable as builds see it.
    ///   - mounts: what puts it there.
    package func offering(esbuild path: String, mounts: [Isolation.Mount]) -> BuildTool {
        BuildTool(
            name: name, executable: executable, mounts: self.mounts + mounts,
            environment: environment.merging(["INVOK_ESBUILD": path]) { $1 }, identity: identity)
    }
}

/// How many threads move the bytes of builds.
package enum BuildThreads {
    /// Two for each processor, as so many builds are admitted at a time; and one that removes leftovers of any size.
    package static var count: Int { 2 * max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) + 1 }
}
