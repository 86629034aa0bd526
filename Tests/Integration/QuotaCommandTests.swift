import Foundation
import TestSupport
import Testing

/// What the operator sets for one user.
@Suite(.timeLimit(.minutes(2)))
struct QuotaCommandTests {
    @Test func aUsersQuotaIsShownAndSetWhileTheServerRuns() async throws {
        try await withFolder { folder in
            let data = folder.appending(path: "data").path
            func quota(_ arguments: String...) async throws -> CoreRun {
                try await CoreRun.run(["quota"] + arguments + ["--data-dir", data], in: folder)
            }
            let early = try await quota("show", "ada@example.com")
            #expect(early.status == 78 && early.errors.contains("there is no database"))
            let core = try await CoreProcess.start(dataDirectory: data, port: 0)
            let client = try await ServerClient.register(at: core.url)
            let set = try await quota("set", client.namespace, "functions=3", "memoryMB=unlimited")
            #expect(set.status == 0, "\(set.errors)")
            #expect(set.output.contains("functions             3"))
            #expect(set.output.contains("set for this user"))
            let reset = try await quota("set", client.namespace, "functions=default")
            #expect(reset.output.contains("functions             100"))
            let wrong = try await quota("set", client.namespace, "function=3")
            #expect(wrong.status != 0 && wrong.errors.contains("use one of functions"))
            let nobody = try await quota("show", "nobody@example.com")
            #expect(nobody.status != 0 && nobody.errors.contains("there is no user 'nobody@example.com'"))
            await core.end(with: SIGTERM)
        }
    }
}
