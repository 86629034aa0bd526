import CLinux
import Foundation
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A child process whose output is collected.
final class Command {
    struct Result {
        /// The exit status, or 128 and the signal's number.
        let status: Int32
        let output: String
    }

    let process: pid_t
    private let reader: Int32
    private var isReaped = false
    private var output: [UInt8] = []

    /// Starts `arguments[0]`, found on the toolchain's order, in `folder`; `socket` becomes file descriptor 3.
    init(_ arguments: [String], in folder: URL, environment: [String: String], socket: Int32? = nil) throws {
        var pipe: [Int32] = [0, 0]
        // Children of tests that run beside this one must not hold the pipe open, also those that start right now.
        guard linux_pipe2(&pipe, O_CLOEXEC) == 0 else { throw TestFailure("pipe: \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 2)
        if let socket { posix_spawn_file_actions_adddup2(&actions, socket, 3) }

        let path = arguments[0].contains("/") ? arguments[0] : try InstalledTool.path(of: arguments[0])
        let shell = ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, folder.path, path]
        var argv = (shell + arguments.dropFirst()).map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let error = posix_spawn(&child, shell[0], &actions, nil, &argv, &envp)
        close(pipe[1])
        guard error == 0 else {
            close(pipe[0])
            throw TestFailure("\(path) cannot be started: \(String(cString: strerror(error)))")
        }
        process = child
        reader = pipe[0]
    }

    func terminate() { kill(process, SIGTERM) }

    /// Waits for the end of the process; after `seconds` it is killed, which is a failure.
    func finish(within seconds: Double = 60) throws -> Result {
        try readOutput(within: seconds) { _ in false }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        isReaped = true
        let signal = status & 0x7F
        return Result(
            status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, output: String(decoding: output, as: UTF8.self))
    }

    /// Waits until the process has printed the text.
    func waitForOutput(_ text: String, within seconds: Double = 60) throws {
        try readOutput(within: seconds) { String(decoding: $0, as: UTF8.self).contains(text) }
    }

    /// Reads what the process prints until that is enough or the process has ended.
    private func readOutput(within seconds: Double, until isEnough: ([UInt8]) -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !isEnough(output) {
            var waiting = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Int32(max(0, deadline.timeIntervalSinceNow) * 1000)) > 0 else {
                end()
                throw TestFailure("waited \(seconds) s in vain; printed: \(String(decoding: output, as: UTF8.self))")
            }
            let count = read(reader, &buffer, buffer.count)
            guard count > 0 else { return }
            output += buffer[..<count]
        }
    }

    private func end() {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        isReaped = true
    }

    deinit {
        if !isReaped { end() }
        close(reader)
    }
}
