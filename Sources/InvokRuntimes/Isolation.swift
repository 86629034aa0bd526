/// What an isolated command sees, runs and may use, whatever isolates it.
package struct Isolation: Sendable {
    package struct Mount: Hashable, Sendable {
        package let source: String
        package let destination: String
        package var isWritable: Bool

        package init(source: String, destination: String, isWritable: Bool = false) {
            self.source = source
            self.destination = destination
            self.isWritable = isWritable
        }
    }

    /// A folder in memory.
    package struct TemporaryFolder: Hashable, Sendable {
        package let path: String
        package let bytes: Int

        package init(path: String, bytes: Int) {
            self.path = path
            self.bytes = bytes
        }
    }

    /// Beside the base that every one has.
    package var mounts: [Mount]
    /// Beside `/tmp`.
    package var temporaryFolders: [TemporaryFolder] = []
    /// Their content by path, in folders that are in memory: written by who runs the command, for it alone to read.
    package var files: [String: String] = [:]
    package var workingDirectory: String
    /// All of it; nothing is inherited from the core.
    package var environment: [String: String]
    /// More of it, which goes to the command alone: by no command line, and by nothing that an engine keeps.
    package var secretEnvironment: [String: String] = [:]
    /// The first is an absolute path inside, or a tool's name where `PATH` inside finds it.
    package var command: [String]
    /// The size of its `/tmp`.
    package var temporaryBytes: Int
    package var limits: ResourceLimits
    /// Whether it has a network, which whoever starts it gives it; without, it has its loopback alone.
    package var hasNetwork = false
    /// Above 0 for work that others shall not notice (nice(2)).
    package var niceness: Int32 = 0

    package init(
        mounts: [Mount], workingDirectory: String, environment: [String: String], command: [String],
        temporaryBytes: Int, limits: ResourceLimits
    ) {
        self.mounts = mounts
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.command = command
        self.temporaryBytes = temporaryBytes
        self.limits = limits
    }
}

package struct ResourceLimits: Hashable, Sendable {
    /// Memory with swap and with what lies in its folders in memory.
    package var memoryBytes: Int
    package var cpus: Double
    /// Processes and threads.
    package var processes: Int
    package var openFiles: Int
    /// The largest file.
    package var fileBytes: Int
    /// What each process may map beyond `memoryBytes`, where it is the process that is limited: a runtime maps more than it
    /// uses.
    package var mappedSlackBytes = 1 << 30

    package init(memoryBytes: Int, cpus: Double, processes: Int, openFiles: Int, fileBytes: Int) {
        self.memoryBytes = memoryBytes
        self.cpus = cpus
        self.processes = processes
        self.openFiles = openFiles
        self.fileBytes = fileBytes
    }
}
