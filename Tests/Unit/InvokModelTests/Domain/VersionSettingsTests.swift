import Foundation
import Testing

@testable import InvokModel

struct VersionSettingsTests {
    private static let stored = #"""
        {"environment":{},"limits":{"concurrency":2,"cpus":1,"idleSeconds":3,"maxInstances":4,"memoryMB":64,
        "minInstances":0,"timeoutSeconds":7},"runtime":"python"}
        """#

    /// What was deployed before functions could be mounted goes on at its name.
    @Test func whatWasStoredBeforeHasNoMount() throws {
        let settings = try JSONDecoder().decode(VersionSettings.self, from: Data(Self.stored.utf8))
        #expect(settings.mount == nil && settings.entry == nil)
        #expect(settings.with(.empty, sealed: nil).mount == nil)
    }

    @Test func entryAndMountAreKept() throws {
        let settings = VersionSettings(
            runtime: .go, environment: .empty, limits: .standard, entry: try EntryPoint("cmd/web:Serve"), mount: .root)
        let copy = try JSONDecoder().decode(VersionSettings.self, from: JSONEncoder().encode(settings))
        #expect(copy == settings && copy.mount == .root && copy.entry?.symbol == "Serve")
        let sealed = copy.with(.empty, sealed: nil)
        #expect(sealed == settings)
    }
}
