import Invok
import InvokConcurrency
import Synchronization

/// One instance that this process knows, from the call of `start`, or the first sight of an earlier core's, until
/// nothing of it is left.
final class DockerInstance: Sendable {
    enum Phase: Sendable {
        case starting(Task<Result<RunningInstance, EngineError>, Never>?)
        case running(RunningInstance)
        /// Somebody is ending it.
        case ending
    }

    private struct State {
        var phase: Phase
        var container: String?
        /// Its end was heard of before its start was over.
        var hasEnded = false
        var log: Task<Void, Never>?
    }

    let id: InstanceID
    let version: VersionKey
    /// What it may take of the machine.
    let share: Resources
    /// As in its `InstanceSpec`.
    let generation: Int
    let folder: InstanceFolder
    /// Nothing of it is left.
    let gone = OneShot<Void>()
    private let state: Mutex<State>

    init(starting id: InstanceID, version: VersionKey, share: Resources, generation: Int = 0, folder: InstanceFolder) {
        (self.id, self.version, self.share, self.folder) = (id, version, share, folder)
        self.generation = generation
        state = Mutex(State(phase: .starting(nil)))
    }

    /// One that an earlier core started.
    init(
        adopted id: InstanceID, version: VersionKey, share: Resources, generation: Int = 0, folder: InstanceFolder,
        container: String
    ) {
        (self.id, self.version, self.share, self.folder) = (id, version, share, folder)
        self.generation = generation
        let running = RunningInstance(
            id: id, version: version, endpoint: .unixSocket(folder.socket), share: share,
            generation: generation)
        state = Mutex(State(phase: .running(running), container: container))
    }

    /// The engine's identifier of its container, once there is one.
    var container: String? {
        get { state.withLock { $0.container } }
        set { state.withLock { $0.container = newValue } }
    }

    /// The task that reads its log.
    var log: Task<Void, Never>? {
        get { state.withLock { $0.log } }
        set { state.withLock { $0.log = newValue } }
    }

    var running: RunningInstance? {
        state.withLock { if case .running(let running) = $0.phase { running } else { nil } }
    }

    /// Notes the task that starts it, so that a stop can end that.
    func isStarted(by task: Task<Result<RunningInstance, EngineError>, Never>) {
        let isUnwanted = state.withLock { state in
            switch state.phase {
            case .starting: state.phase = .starting(task)
            case .running: break
            case .ending: return true
            }
            return false
        }
        if isUnwanted { task.cancel() }
    }

    enum Started: Sendable {
        case running(RunningInstance)
        /// Its container ended meanwhile.
        case ended
        /// Somebody asked for its end meanwhile.
        case unwanted
    }

    /// Notes that its start is over.
    func started() -> Started {
        state.withLock { state in
            guard case .starting = state.phase else { return .unwanted }
            guard !state.hasEnded else { return .ended }
            let running = RunningInstance(
                id: id, version: version, endpoint: .unixSocket(folder.socket), share: share,
                generation: generation)
            state.phase = .running(running)
            return .running(running)
        }
    }

    /// Notes that its container has ended.
    /// - Returns: whether its start was over, so that others count on it.
    func containerEnded() -> Bool {
        state.withLock { state in
            state.hasEnded = true
            if case .running = state.phase { return true }
            return false
        }
    }

    enum Ending: Sendable {
        /// The caller is to end it.
        case ours
        /// Whoever does something with it already will.
        case others
    }

    /// Notes that its end is wanted, and stops its start.
    func beginEnding() -> Ending {
        let (ending, task) = state.withLock { state -> (Ending, Task<Result<RunningInstance, EngineError>, Never>?) in
            defer { state.phase = .ending }
            switch state.phase {
            case .starting(let task): return (.others, task)
            case .running: return (.ours, nil)
            case .ending: return (.others, nil)
            }
        }
        task?.cancel()
        return ending
    }
}
