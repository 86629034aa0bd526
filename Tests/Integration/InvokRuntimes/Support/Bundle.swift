import Foundation
import Invok
import InvokRuntimes
import TestSupport

/// A folder of its own for one test, removed with it.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("invok-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// A function built by its plan with the machine's toolchain, outside of any sandbox.
struct TestBundle {
    let folder: TemporaryFolder
    let runtime: Runtime
    var url: URL { folder.url }

    private let name: FunctionName
    private let settings: VersionSettings

    /// - Parameters:
    ///   - config: more of its `config.json`.
    ///   - executables: those of the files that may be run.
    ///   - compiles: whether the machine has a compiler of TypeScript.
    /// - Throws: `BuildError.failed` with the reason and the log when the command of the plan fails.
    init(
        _ runtime: Runtime, name: String = "hello-world", config: [String: String] = [:], files: [String: String],
        executables: Set<String> = [], compiles: Bool = true
    ) throws {
        self.runtime = runtime
        folder = try TemporaryFolder()
        let support = RuntimeSupport.of(runtime)
        let source = try archive(runtime, name: name, config: config, files: files, executables: executables)
        self.name = source.config.name
        settings = VersionSettings(
            runtime: runtime, environment: .empty, limits: .standard, entry: source.config.entry,
            mount: source.config.mount)
        let plan = try support.buildPlan(for: source)
        for (path, content) in plan.files.merging(plan.beside, uniquingKeysWith: { $1 }) {
            let file = folder.url.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.beginning(.max)).write(to: file)
            if plan.executables.contains(path) { chmod(file.path, 0o755) }
        }
        let command = plan.command
        var own = ProcessInfo.processInfo.environment.filter { ["HOME", "PATH"].contains($0.key) }
        if runtime == .nodejs, compiles { own["INVOK_ESBUILD"] = try InstalledTool.path(of: "esbuild") }
        let result = try Command(command, in: folder.url, environment: own.merging(plan.environment) { $1 })
            .finish(within: 240)
        guard result.status == 0 else {
            throw BuildError.failed(
                reason: support.failureReason(log: result.output, of: source.config.name), log: result.output)
        }
    }

    /// Starts the function as an engine would.
    func start(environment: [String: String] = [:]) throws -> TestInstance {
        let command = RuntimeSupport.of(runtime).launch.command.map {
            $0.replacingOccurrences(of: "/bundle", with: folder.url.path)
        }
        let version = VersionKey(
            function: FunctionKey(namespace: Namespace(high: 0, low: 1), name: name), number: 1)
        let spec = InstanceSpec(
            id: InstanceID(version: version, ordinal: 1), version: version, settings: settings,
            bundle: BundleID(Digest(of: [])))
        let variables = spec.variables().merging(["INVOK_CONCURRENCY": "4"]) { $1 }.merging(environment) { $1 }
        return try TestInstance(command, bundle: self, environment: variables)
    }
}

/// An archive's source, checked as an upload is.
func archive(
    _ runtime: Runtime, name: String = "hello-world", config: [String: String] = [:], files: [String: String],
    executables: Set<String> = []
) throws -> SourceArchive {
    let more = config.sorted { $0.key < $1.key }.map { #","\#($0.key)":"\#($0.value)""# }.joined()
    let config = #"{"function_name":"\#(name)","runtime":"\#(runtime.rawValue)"\#(more)}"#
    let entries = files.merging(["config.json": config]) { $1 }
    return try SourceArchive(
        entries: entries.map { path, text in
            ArchiveEntry(
                path: path, kind: .file, isExecutable: executables.contains(path), content: Array(text.utf8))
        })
}

/// The reason and the log of a build that must fail.
func failure(
    of runtime: Runtime, name: String = "hello-world", config: [String: String] = [:], files: [String: String],
    compiles: Bool = true
) throws -> (reason: String, log: String) {
    do {
        _ = try TestBundle(runtime, name: name, config: config, files: files, compiles: compiles)
    } catch BuildError.failed(let reason, let log) {
        return (reason, log)
    }
    throw TestFailure("the build did not fail")
}
