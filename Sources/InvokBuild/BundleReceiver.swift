import Glibc
import Invok
import InvokPOSIX
import Synchronization

/// Where the result of a build goes: an archive comes in as a stream, and becomes a folder on the disk. Nothing of it is
/// believed. Its calls block on the disk, and come one after the other.
package final class BundleReceiver: Sendable {
    /// Why there is no bundle.
    package enum Failure: Error, Hashable, Sendable {
        /// What the build left cannot be kept: a sentence.
        case refused(String)
        case system(SystemError)
    }

    private struct State: Sendable {
        var reader = TarReader()
        var paths = BundlePaths()
        var writer: BundleWriter?
        var bytes = 0
        var failure: Failure?
    }

    private let path: String
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: where the folder is made; in one that is the core's alone.
    ///   - limit: of all contents together, in bytes.
    package init(_ path: String, limit: Int) {
        self.path = path
        self.limit = limit
    }

    /// Takes the next bytes of the archive.
    /// - Returns: whether more of them are of use.
    package func receive(_ bytes: ArraySlice<UInt8>) -> Bool {
        state.withLock { state in
            guard state.failure == nil else { return false }
            do throws(Failure) {
                for part in try Self.parts(of: bytes, &state.reader) { try keep(part, &state) }
                return true
            } catch {
                state.failure = error
                return false
            }
        }
    }

    /// What is wrong with what has come so far.
    package var failure: Failure? { state.withLock { $0.failure } }

    /// Makes the folder durable, after the last bytes.
    /// - Returns: why there is no whole one; `nil` when there is.
    package func finish() -> Failure? {
        state.withLock { state in
            if let failure = state.failure { return failure }
            guard state.reader.isWhole else { return .refused("the result of the build is not whole") }
            do throws(SystemError) {
                try prepareWriter(&state)
                try state.writer?.finish()
                return nil
            } catch {
                return .system(error)
            }
        }
    }

    private static func parts(of bytes: ArraySlice<UInt8>, _ reader: inout TarReader) throws(Failure) -> [TarReader
        .Part]
    {
        do throws(TarReader.Fault) {
            return try reader.append(bytes)
        } catch {
            switch error {
            case .malformed(let reason): throw .refused("the result of the build is no archive: \(reason)")
            case .forbidden(let path, let kind):
                throw .refused("the build left '\(shown(path))', which is \(kind); a bundle has files and folders only")
            }
        }
    }

    private func keep(_ part: TarReader.Part, _ state: inout State) throws(Failure) {
        switch part {
        case .folder(let raw):
            guard let path = try Self.judge(raw, .folder, &state.paths) else { return }
            try Self.system { () throws(SystemError) in
                try prepareWriter(&state)
                try state.writer?.makeFolder(path)
            }
        case .file(let raw, let bytes, let isExecutable):
            guard let path = try Self.judge(raw, .file, &state.paths) else { return }
            // No overflow: both are far below what an integer holds, as a header has eleven octal digits.
            state.bytes += bytes
            guard state.bytes <= limit else {
                throw .refused("the build left more than the \(limit >> 20) MB that a bundle may have")
            }
            try Self.system { () throws(SystemError) in
                try prepareWriter(&state)
                try state.writer?.makeFile(path, mode: isExecutable ? 0o755 : 0o644)
            }
        case .content(let bytes): try Self.system { () throws(SystemError) in try state.writer?.write(bytes) }
        }
    }

    /// Only once there is something to write: a build that fails leaves nothing.
    private func prepareWriter(_ state: inout State) throws(SystemError) {
        if state.writer == nil { state.writer = try BundleWriter(path) }
    }

    private static func judge(
        _ path: [UInt8], _ kind: BundlePaths.Kind, _ paths: inout BundlePaths
    ) throws(Failure) -> String? {
        do throws(BundlePaths.Refusal) {
            return try paths.take(path, kind)
        } catch {
            throw .refused("the build left '\(shown(error.path))', whose path \(error.reason)")
        }
    }

    private static func system(_ work: () throws(SystemError) -> Void) throws(Failure) {
        do throws(SystemError) { try work() } catch { throw .system(error) }
    }

    private static func shown(_ path: [UInt8]) -> String { PlainText.escapedName(Array(path.prefix(120))) }
}
