/// What the core tells `invok-init` (Program/init.c), the first process of every sandbox and container of a function.
///
/// Two messages over a stream socket, each a head of five words in the machine's order and what belongs to it. The program
/// confines itself by the first and writes one byte; the second, which alone has anything of the function in it, is sent
/// only then. So no process that could do more than the function ever has its variables.
package enum InitMessage {
    /// What the program writes once it is confined.
    package static let ready = UInt8(ascii: "R")
    /// The status that it ends with where the machine refuses it a user namespace.
    package static let noUserNamespace: Int32 = 124
    /// No head says more bytes than this.
    package static let maximumBytes = 1 << 20

    /// The first message: what the program may not do any more.
    package struct Setup: Hashable, Sendable {
        /// Whom to become, user and group, with no other groups; `nil` stays who it is.
        package var user: UInt32?
        /// Whether to enter a user namespace whose map names that user alone.
        package var hasUserNamespace = false
        /// How many processes and threads its user may have, itself among them (RLIMIT_NPROC); `nil` for any number. Where it
        /// has a user namespace of its own, the kernel counts those in there.
        package var processes: UInt32?
        /// Whether to end, and all below it, once the other end of the socket is closed.
        package var endsWithCore = false
        /// A seccomp program, eight bytes an instruction; empty for none.
        package var filter: [UInt8]

        package init(user: UInt32? = nil, filter: [UInt8] = []) {
            self.user = user
            self.filter = filter
        }

        package var bytes: [UInt8] {
            let flags: UInt32 =
                (user == nil ? 0 : 1) | (hasUserNamespace && user != nil ? 2 : 0) | (endsWithCore ? 4 : 0)
            return head(0x3156_4B49, flags, filter.count, user ?? 0, processes ?? 0) + filter
        }
    }

    /// The second message: what to run.
    package struct Command: Hashable, Sendable {
        package var directory: String
        /// The first is a path, or a name that is looked for along `PATH`.
        package var arguments: [String]
        package var environment: [String: String]
        /// What is written before the command runs, by path: text that nobody but its user may read. At most 65,535 files.
        package var files: [String: String] = [:]
        /// Whether the command gets what is descriptor 3 already; one that comes with the message is it in any case.
        package var keepsListener = false
        /// Whether it also gets the variables that the program was started with, but for those of the same name.
        package var keepsVariables = false

        package init(directory: String, arguments: [String], environment: [String: String]) {
            self.directory = directory
            self.arguments = arguments
            self.environment = environment
        }

        package var bytes: [UInt8] {
            let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let files = files.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
            let body = ([directory] + arguments + variables + files).flatMap { text -> [UInt8] in
                Array(text.utf8) + [0]
            }
            let flags = (keepsListener ? 1 : 0) | (keepsVariables ? 2 : 0) | UInt32(files.count / 2) << 16
            return head(0x3256_4B49, flags, body.count, UInt32(arguments.count), UInt32(variables.count)) + body
        }
    }

    private static func head(
        _ magic: UInt32, _ flags: UInt32, _ count: Int, _ first: UInt32, _ second: UInt32
    ) -> [UInt8] {
        [magic, flags, UInt32(count), first, second].flatMap { word -> [UInt8] in
            withUnsafeBytes(of: word) { Array($0) }
        }
    }
}
