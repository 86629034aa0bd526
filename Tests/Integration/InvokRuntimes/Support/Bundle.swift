import Foundation
import Invok
import InvokRuntimes

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

    /// - Throws: `BuildError.failed` with the reason and the log when the command of the plan fails.
    init(_ runtime: Runtime, name: String = "hello-world", files: [String: String]) throws {
        self.runtime = runtime
        folder = try TemporaryFolder()
        let support = RuntimeSupport.of(runtime)
        let source = try archive(runtime, name: name, files: files)
        let plan = try support.buildPlan(for: source)
        for (path, content) in plan.files {
            let file = folder.url.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.beginning(.max)).write(to: file)
        }
        let command = plan.command
        let own = ProcessInfo.processInfo.environment.filter { ["HOME", "PATH"].contains($0.key) }
        let result = try Command(command, in: folder.url, environment: own.merging(plan.environment) { $1 })
            .finish(within: 240)
        guard result.status == 0 else {
            throw BuildError.failed(
                reason: support.failureReason(log: result.output, of: source.config.name), log: result.output)
        }
    }

    /// Starts the function as an engine would.
    func start(environment: [String: String] = [:]) throws -> TestInstance {
        let launch = RuntimeSupport.of(runtime).launch
        let command = launch.command.map { $0.replacingOccurrences(of: "/bundle", with: folder.url.path) }
        return try TestInstance(command, bundle: self, environment: launch.environment.merging(environment) { $1 })
    }
}

/// An archive's source, checked as an upload is.
func archive(_ runtime: Runtime, name: String = "hello-world", files: [String: String]) throws -> SourceArchive {
    let config = #"{"function_name":"\#(name)","runtime":"\#(runtime.rawValue)"}"#
    let entries = files.merging(["config.json": config]) { $1 }
    return try SourceArchive(
        entries: entries.map { ArchiveEntry(path: $0.key, kind: .file, content: Array($0.value.utf8)) })
}

/// The reason and the log of a build that must fail.
func failure(of runtime: Runtime, name: String = "hello-world", files: [String: String]) throws -> (
    reason: String, log: String
) {
    do {
        _ = try TestBundle(runtime, name: name, files: files)
    } catch BuildError.failed(let reason, let log) {
        return (reason, log)
    }
    throw TestFailure("the build did not fail")
}
