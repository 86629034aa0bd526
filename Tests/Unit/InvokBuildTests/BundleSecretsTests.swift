import Foundation
import Invok
import Testing

@testable import InvokBuild

struct BundleSecretsTests {
    private static let config =
        #"{"function_name":"hello","runtime":"python","env":{"TOKEN":"hunter2"},"limits":{"cpus":0.5}}"#

    private func withBundles(_ body: (_ folder: String, _ bundle: String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "invok-bundles-\(UUID())"
        let bundle = "\(folder)/\(Digest(of: [1]))"
        try FileManager.default.createDirectory(atPath: bundle, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder, bundle)
    }

    @Test func anEnvironmentIsTakenOutAndAllElseStays() throws {
        try withBundles { folder, bundle in
            let path = "\(bundle)/config.json"
            try Data(Self.config.utf8).write(to: URL(filePath: path))
            try Data("code".utf8).write(to: URL(filePath: "\(bundle)/function.py"))
            try #require(chmod(path, 0o644) == 0)
            try BundleSecrets.remove(in: folder)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(!text.contains("hunter2") && !text.contains("env"))
            let (old, new) = (
                try FunctionConfig(json: Array(Self.config.utf8)), try FunctionConfig(json: Array(text.utf8))
            )
            #expect(new.name == old.name && new.runtime == old.runtime && new.limits == old.limits)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o644)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: bundle).sorted() == ["config.json", "function.py"])
        }
    }

    /// A Go bundle has none, and a link leads elsewhere.
    @Test func whatIsNoConfigurationStays() throws {
        try withBundles { folder, bundle in
            let elsewhere = "\(folder)/elsewhere"
            try Data(Self.config.utf8).write(to: URL(filePath: elsewhere))
            try FileManager.default.createSymbolicLink(
                atPath: "\(bundle)/config.json", withDestinationPath: elsewhere)
            try BundleSecrets.remove(in: folder)
            #expect(try String(contentsOfFile: elsewhere, encoding: .utf8) == Self.config)
            try FileManager.default.removeItem(atPath: "\(bundle)/config.json")
            try BundleSecrets.remove(in: folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: bundle).isEmpty)
        }
    }
}
