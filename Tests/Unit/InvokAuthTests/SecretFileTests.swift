import Foundation
import Invok
import InvokAuth
import Testing

@Suite(.timeLimit(.minutes(1)))
final class SecretFileTests {
    let directory: URL
    var path: String { directory.appending(path: "jwt-secret").path }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "invok-secret-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private func write(_ content: String, mode: Int = 0o600) throws {
        try Data(content.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func refusal() -> InvokError? {
        do throws(InvokError) {
            _ = try SecretFile(.token, path: path).readOrMake()
            return nil
        } catch {
            return error
        }
    }

    @Test func aNewSecretIsMadeOnceAndOnlyTheOwnerReadsIt() throws {
        let secret = try SecretFile(.token, path: path).readOrMake()
        #expect(secret.count == 64)
        try Secret.token.check(secret)
        #expect(try SecretFile(.token, path: path).readOrMake() == secret)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["jwt-secret"])
    }

    @Test func twoDirectoriesHaveDifferentSecrets() throws {
        #expect(try SecretFile(.token, path: path).readOrMake() != SecretFile(.token, path: path + "2").readOrMake())
    }

    @Test func manyAtOnceGetTheSame() async throws {
        let path = self.path
        let secrets = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<16 { group.addTask { try SecretFile(.token, path: path).readOrMake() } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(secrets.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["jwt-secret"])
    }

    @Test func aSecretWithALineEndIsReadWithoutIt() throws {
        try write("8f14e45fceea167a5a36dedd4bea2543\r\n", mode: 0o400)
        #expect(try SecretFile(.token, path: path).readOrMake() == Array("8f14e45fceea167a5a36dedd4bea2543".utf8))
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620, 0o601, 0o777])
    func aFileThatOthersReachIsRefused(mode: Int) throws {
        try write("8f14e45fceea167a5a36dedd4bea2543", mode: mode)
        let error = refusal()
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.contains("by others") == true)
    }

    @Test(arguments: ["", "\n", "secret\n", "changeme", String(repeating: "x9y8z7w6v5u4", count: 1000)])
    func aFileWithoutASecretIsRefusedAndKept(content: String) throws {
        try write(content)
        #expect(refusal()?.code == .invalidConfig)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == content)
    }

    @Test func linksAndDirectoriesAndPipesAreRefused() throws {
        let target = directory.appending(path: "target").path
        _ = try SecretFile(.token, path: target).readOrMake()
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        #expect(refusal()?.message.contains("is a link") == true)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(refusal()?.message.contains("not a regular file") == true)
        try FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(refusal()?.message.contains("not a regular file") == true)
    }

    @Test func aMissingDirectoryIsUnavailable() {
        let error = #expect(throws: InvokError.self) {
            try SecretFile(.token, path: path + "/no/jwt-secret").readOrMake()
        }
        #expect(error?.code == .unavailable)
    }
}
