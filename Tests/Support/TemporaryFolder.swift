import InvokPOSIX

/// A folder of its own for one test, gone with it.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        path = "/tmp/invok-files-\(UInt64.random(in: .min ... .max))"
        try Files.makeDirectory(path, mode: 0o700)
    }

    deinit { try? Files.removeTree(path) }
}
