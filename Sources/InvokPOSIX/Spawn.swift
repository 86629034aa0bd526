import CLinux
import Glibc

/// Starts a program with exactly the given descriptors and environment.
/// - Parameters:
///   - descriptors: by their numbers in the program, from 0 without a gap.
/// - Returns: the process, which leads a process group of its own, so that a terminal's signals do not reach it.
package func spawn(
    _ executable: String, _ arguments: [String], environment: [String: String] = [:], descriptors: [Descriptor]
) throws(SystemError) -> pid_t {
    // Sources above all targets, so that setting one does not overwrite the next.
    var sources: [Descriptor] = []
    for descriptor in descriptors {
        let number = fcntl(descriptor.number, F_DUPFD_CLOEXEC, 64)
        guard number >= 0 else { throw SystemError("fcntl") }
        sources.append(Descriptor(number))
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, source) in sources.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, source.number, Int32(target))
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, Int32(sources.count))

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    let strings = ([executable] + arguments).map { strdup($0) }
    let variables = environment.map { strdup("\($0.key)=\($0.value)") }
    defer { for string in strings + variables { free(string) } }
    var process = pid_t()
    let code = posix_spawn(&process, executable, &actions, &attributes, strings + [nil], variables + [nil])
    withExtendedLifetime(sources) {}
    guard code == 0 else { throw SystemError("posix_spawn", executable, code: code) }
    return process
}
