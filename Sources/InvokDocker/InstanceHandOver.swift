import CLinux
import Glibc
import InvokConcurrency
import InvokInit
import InvokPOSIX
import Synchronization

/// Hands a new instance what it is to run, and the socket that it is to serve: neither Docker nor a file ever has its
/// variables, and it needs no folder to make a socket in.
///
/// The core listens on both sockets before the container starts. Of the control socket it takes one connection, that of
/// the container's first process, `invok-init`, and removes its name.
final class InstanceHandOver: Sendable {
    enum Outcome: Hashable, Sendable {
        /// The command and the listening socket are on their way to it, and the core keeps neither.
        case done
        case failed(SystemError)
        case cancelled
    }

    private struct State {
        var isOver = false
        var control: Descriptor?
        var requests: Descriptor?
        var connection: Descriptor?
    }

    private let outcome = OneShot<Outcome>()
    private let state: Mutex<State>
    private let folder: InstanceFolder
    private let command: [UInt8]
    private let thread: EventThread

    /// Listens from now on.
    /// - Parameter serves: whether the command gets a listening socket.
    init(
        _ command: InitMessage.Command, in folder: InstanceFolder, on thread: EventThread, serves: Bool = true
    ) throws(SystemError) {
        self.folder = folder
        self.command = command.bytes
        self.thread = thread
        let requests = serves ? try ListeningSocket.listen(InstanceFolder.socketName, in: folder.path) : nil
        // Only whoever sees the folder can reach it: the container.
        let control = try ListeningSocket.listen(InstanceFolder.controlName, in: folder.inner, mode: 0o666)
        state = Mutex(State(control: control, requests: requests))
        thread.watch(control) { [self] in
            accept(control)
            return .done
        }
    }

    func wait() async -> Outcome { await outcome.wait() }

    /// Ends the wait early; who is connected is cut off. Does nothing once it is over.
    func cancel() { end(.cancelled) }

    private func accept(_ control: Descriptor) {
        let number = linux_accept(control.number)
        guard number >= 0 else { return end(.failed(SystemError("accept", folder.control))) }
        let connection = Descriptor(number)
        let isWanted = state.withLock { state in
            guard !state.isOver else { return false }
            state.connection = connection
            return true
        }
        guard isWanted else { return }
        unlink(folder.control)
        do throws(SystemError) {
            // The container's walls are Docker's; this takes the last of what could be more than the function may.
            try HandOver.send(InitMessage.Setup().bytes, to: connection)
        } catch {
            return end(.failed(error))
        }
        thread.watch(connection) { [self] in
            do throws(SystemError) {
                guard try HandOver.isConfined(connection) else { return .more }
                let (isOver, requests) = state.withLock { ($0.isOver, $0.requests) }
                guard !isOver else { return .done }
                try HandOver.send(command, to: connection, listener: requests)
                end(.done)
            } catch {
                end(.failed(error))
            }
            return .done
        }
    }

    /// The first end counts. The sockets are closed with the last call of a handler, which a shutdown brings about.
    private func end(_ result: Outcome) {
        let left = state.withLock { state in
            defer { state = State(isOver: true) }
            return state
        }
        outcome.signal(result)
        if let control = left.control { shutdown(control.number, Int32(SHUT_RDWR)) }
        // What has been sent, the other side still reads.
        if let connection = left.connection, result != .done { shutdown(connection.number, Int32(SHUT_RDWR)) }
    }
}
