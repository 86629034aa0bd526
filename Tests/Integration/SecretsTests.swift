import Foundation
import Invok
import TestSupport
import Testing

/// What lies on the disk of a server, and the key that seals it.
@Suite(.timeLimit(.minutes(3)))
struct SecretsTests {
    private static let secret = "planted-9f1c7e"
    private static let source = "import os\ndef handler(request):\n    return os.environ['TOKEN']\n"

    /// The paths of files that have the bytes in them, in any of the forms in which they would be found.
    private func files(below folder: String, having text: String) throws -> [String] {
        let needles = [Data(text.utf8), Data(text.utf8).base64EncodedData().dropLast(4)]
        let paths = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return paths.filter { path in
            guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/\(path)")) else { return false }
            return needles.contains { data.range(of: $0) != nil }
        }
    }

    private func deploy(at url: String) async throws -> ServerClient {
        let client = try await ServerClient.register(at: url)
        let config =
            #"{"function_name":"hello","runtime":"python","access":"public","env":{"TOKEN":"\#(Self.secret)"}}"#
        var zip = ZipWriter()
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array(Self.source.utf8))
        let answer = try await client.upload(zip.finish(), as: "hello.zip")
        try #require(answer.status == 200, "\(answer.text)")
        return client
    }

    private func says(_ client: ServerClient, at url: String) async throws -> String {
        try await ServerClient(url: url, namespace: client.namespace, token: client.token)
            .call("GET", client.path("hello")).text
    }

    @Test func nothingOnTheDiskHasASecretInItAndNobodyElseMayRead() async throws {
        try await withFolder { folder in
            let data = folder.appending(path: "data").path
            // As Docker makes it, for everybody to enter.
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try #require(chmod(data, 0o755) == 0)
            let core = try await CoreProcess.start(dataDirectory: data, port: 0)
            let client = try await deploy(at: core.url)
            #expect(try await says(client, at: core.url) == Self.secret)
            #expect(try files(below: data, having: Self.secret) == [])
            // It would be found: the archive and the bundle have the source.
            #expect(try files(below: data, having: "os.environ['TOKEN']").count >= 2)
            for name in try FileManager.default.contentsOfDirectory(atPath: data) {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(data)/\(name)")
                #expect((attributes[.posixPermissions] as? Int ?? 0o777) & 0o077 == 0, "\(name)")
            }
            #expect(try FileManager.default.attributesOfItem(atPath: data)[.posixPermissions] as? Int == 0o700)
            await core.end(with: SIGKILL)
            #expect(core.errors.contains("was open to other users"))
            #expect(try files(below: data, having: Self.secret) == [])
        }
    }

    @Test func theKeyIsNeededAndChanged() async throws {
        try await withFolder { folder in
            let data = folder.appending(path: "data").path
            let key = "\(data)/secrets-key"
            var core = try await CoreProcess.start(dataDirectory: data, port: 0)
            let client = try await deploy(at: core.url)
            // A core that serves is in the way.
            let early = try await CoreRun.run(["secrets", "rotate", "--data-dir", data], in: folder)
            #expect(early.status == 78 && early.errors.contains("another invok-core"))
            await core.end(with: SIGTERM)

            // The key is gone, or another one.
            let start = ["--port", "0", "--data-dir", data]
            let first = try Data(contentsOf: URL(filePath: key))
            try FileManager.default.removeItem(atPath: key)
            let missing = try await CoreRun.run(start, in: folder)
            #expect(missing.status == 78 && missing.errors.contains("put \(key) back from a backup"))
            #expect(!FileManager.default.fileExists(atPath: key))
            let wrong = try await CoreRun.run(
                start, environment: ["INVOK_SECRETS_KEY": "kq3Vt8wZ1rXy5uBn7mCd9fGh2jLp4sQe"], in: folder)
            #expect(wrong.status == 78 && wrong.errors.contains("sealed with the key"))
            #expect(
                FileManager.default.createFile(atPath: key, contents: first, attributes: [.posixPermissions: 0o600]))

            let rotated = try await CoreRun.run(["secrets", "rotate", "--data-dir", data], in: folder)
            #expect(
                rotated.status == 0 && rotated.output.contains("1 environments and secrets are sealed"),
                "\(rotated.errors)")
            #expect(try Data(contentsOf: URL(filePath: key)) != first)
            #expect(!FileManager.default.fileExists(atPath: key + ".new"))
            core = try await CoreProcess.start(dataDirectory: data, port: 0)
            #expect(try await says(client, at: core.url) == Self.secret)
            await core.end(with: SIGTERM)

            // From the file to a setting.
            let setting = "u8Yt5Rw2Qp9Zx6Cv3Bn7Mk4Jh1Gf0Dse"
            let moved = try await CoreRun.run(
                ["secrets", "rotate", "--data-dir", data], environment: ["INVOK_SECRETS_NEW_KEY": setting], in: folder)
            #expect(moved.status == 0 && moved.output.contains("set INVOK_SECRETS_KEY"), "\(moved.errors)")
            core = try await CoreProcess.start(
                dataDirectory: data, port: 0, environment: ["INVOK_SECRETS_KEY": setting])
            #expect(try await says(client, at: core.url) == Self.secret)
            await core.end(with: SIGTERM)
            #expect(try files(below: data, having: Self.secret) == [])

            // Lost for good: what it sealed is named.
            let lost = try await CoreRun.run(["secrets", "rotate", "--lost", "--data-dir", data], in: folder)
            #expect(lost.status == 0 && lost.output.contains("lost: the environment of"), "\(lost.errors)")
            core = try await CoreProcess.start(dataDirectory: data, port: 0)
            #expect(try await says(client, at: core.url) != Self.secret)
            await core.end(with: SIGTERM)
        }
    }
}
