import Foundation
import TestSupport
import Testing

/// Starts one server for a whole suite, and ends it: a start is expensive, and so is a Go cache that is still empty.
struct ServerTrait: SuiteTrait, TestScoping {
    /// The server of the suite that runs.
    @TaskLocal static var current: CoreProcess?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "invok-integration-\(UUID())")
        defer { try? FileManager.default.removeItem(at: data) }
        let core = try await CoreProcess.start(dataDirectory: data.path, port: 0)
        do {
            try await Self.$current.withValue(core) { try await function() }
        } catch {
            await core.end(with: SIGTERM)
            throw error
        }
        await core.end(with: SIGTERM)
    }
}

extension Trait where Self == ServerTrait {
    /// One server for the suite.
    static var server: Self { ServerTrait() }
}
