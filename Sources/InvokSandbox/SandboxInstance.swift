import Glibc
import Invok
import InvokConcurrency
import InvokRuntimes
import Synchronization

/// One instance of the engine, from the call of `start` until nothing of it is left.
final class SandboxInstance: Sendable {
    private enum State {
        case starting(stop: Bool)
        case running(SandboxProcess, RunningInstance, stop: Bool)
        /// Its process is gone; what is left of it is being removed.
        case ended
    }

    let spec: InstanceSpec
    /// Its directory with the socket.
    let directory: String
    /// Nothing of it is left.
    let gone = OneShot<Void>()
    private let state = Mutex(State.starting(stop: false))

    init(spec: InstanceSpec, directory: String) {
        self.spec = spec
        self.directory = directory
    }

    static let socketName = "s"
    var socketPath: String { directory + "/" + Self.socketName }

    /// `nil` until it has been started, and once its process has ended.
    var running: RunningInstance? {
        state.withLock { if case .running(_, let running, _) = $0 { running } else { nil } }
    }

    /// Notes that its process has ended.
    /// - Returns: whether somebody asked for that.
    func ended() -> Bool {
        state.withLock { state in
            defer { state = .ended }
            switch state {
            case .starting(let stop), .running(_, _, let stop): return stop
            case .ended: return true
            }
        }
    }

    /// - Returns: whether `stop` was called while it started; then it is to be ended at once.
    func started(_ process: SandboxProcess, _ running: RunningInstance) -> Bool {
        state.withLock { state in
            guard case .starting(let stop) = state else { return true }
            state = .running(process, running, stop: stop)
            return stop
        }
    }

    /// Notes that its end is wanted.
    /// - Returns: the process, if there is one already and nobody else is ending it.
    func beginStopping() -> SandboxProcess? {
        state.withLock { state in
            switch state {
            case .starting:
                state = .starting(stop: true)
                return nil
            case .running(let process, let running, let stop):
                state = .running(process, running, stop: true)
                return stop ? nil : process
            case .ended: return nil
            }
        }
    }

    /// The sandbox that runs a bundle.
    /// - Parameters:
    ///   - command: its runtime's.
    ///   - toolchains: what that needs.
    static func sandbox(
        _ spec: InstanceSpec, bundlePath: String, command: [String], toolchains: [Toolchain]
    ) -> Sandbox {
        var command = command
        if let name = command.first, let tool = toolchains.first(where: { $0.name.rawValue == name }) {
            command[0] = tool.sandboxExecutable
        }
        var limits = spec.resourceLimits
        limits.mappedSlackBytes = spec.settings.runtime.mappedSlack(concurrency: spec.settings.limits.concurrency)
        var sandbox = Sandbox(
            mounts: toolchains.flatMap(\.mounts) + [Sandbox.Mount(source: bundlePath, destination: "/bundle")],
            workingDirectory: "/bundle",
            environment: toolchains.reduce(spec.variables(path: Toolchain.path(toolchains))) {
                $0.merging($1.environment) { $1 }
            },
            command: command, temporaryBytes: spec.temporaryBytes, limits: limits)
        sandbox.temporaryFolders = spec.temporaryFolders
        sandbox.files = spec.secretFiles
        sandbox.hasNetwork = spec.settings.egress != nil
        return sandbox
    }
}
