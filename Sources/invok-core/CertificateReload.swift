import Invok
import InvokPOSIX
import InvokProxy
import Logging
import ServiceLifecycle
import UnixSignals

/// The server's TLS: what it begins with, and a new certificate at each SIGHUP. Without TLS nothing waits for that signal,
/// and it ends the process, as it does where a terminal is closed.
struct CertificateReload: Service {
    let termination: TLSTermination
    private let files: CertificateFiles
    private let signals: UnixSignalsSequence
    private let clock: any Clock
    private let logger: Logger
    private let thread: WorkerPool

    /// Reads the files once. From here on a SIGHUP ends nothing.
    /// - Throws: `invalid_config` that names the variable.
    init(_ files: CertificateFiles, clock: any Clock, logger: Logger) async throws(InvokError) {
        signals = await UnixSignalsSequence(trapping: .sighup)
        let thread = WorkerPool(threads: 1)
        let identity = try await thread.run { () throws(InvokError) in try files.read() }
        termination = TLSTermination(identity)
        (self.files, self.clock, self.logger, self.thread) = (files, clock, logger, thread)
        warn(of: identity)
    }

    func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() { await reload() }
    }

    private func reload() async {
        do throws(InvokError) {
            let identity = try await thread.run { () throws(InvokError) in try files.read() }
            termination.replace(with: identity)
            logger.notice("the certificate was read anew", metadata: ["good_until": "\(identity.validUntil)"])
            warn(of: identity)
        } catch {
            logger.error(
                "the certificate was not read anew, and the old one serves on: \(error.message)",
                metadata: ["next": "\(error.nextStep ?? "correct it"); then send SIGHUP again"])
        }
    }

    private func warn(of identity: TLSIdentity) {
        if let limitation = files.limitation(of: identity, now: clock.wallTime()) { logger.warning("\(limitation)") }
    }
}
