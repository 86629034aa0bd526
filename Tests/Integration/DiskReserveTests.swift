import Foundation
import TestSupport
import Testing

/// A server whose disk has too little free, as it says: no disk is ever as empty as this one is asked to be.
@Suite(.timeLimit(.minutes(3)))
struct DiskReserveTests {
    @Test func deploysAreRefusedAndFunctionsGoOn() async throws {
        try await withFolder { folder in
            let data = folder.appending(path: "data").path
            let roomy = try await CoreProcess.start(
                dataDirectory: data, port: 0, environment: ["INVOK_MIN_FREE_DISK_PERCENT": "0"])
            var client = try await ServerClient.register(at: roomy.url)
            #expect(try await client.deploy("hello", source: ServerClient.hello).status == 200)
            await roomy.end(with: SIGTERM)

            let full = try await CoreProcess.start(
                dataDirectory: data, port: 0, environment: ["INVOK_MIN_FREE_DISK_PERCENT": "99"])
            client = ServerClient(url: full.url, namespace: client.namespace, token: client.token)
            let answers = [
                try await client.deploy("hello", source: ServerClient.hello),
                try await client.call(
                    "PUT", "/api/v1/functions/\(client.namespace)/hello", type: "application/json",
                    body: Array(#"{"env":{"A":"1"}}"#.utf8)),
            ]
            for answer in answers {
                #expect(answer.status == 507 && answer.text.contains("INVOK_MIN_FREE_DISK_PERCENT"), "\(answer.text)")
                #expect(answer.text.contains("less than 99 % of the server's disk is free"), "\(answer.text)")
            }
            // A cold start, and a warm call.
            for _ in 1...2 { #expect(try await client.call("GET", client.path("hello")).text == "hello") }
            await full.end(with: SIGTERM)
        }
    }
}
