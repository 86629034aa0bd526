import InvokRuntimes

/// What a build's place starts: a shell of Invok's own around the command. It puts the source where the command may write,
/// and, once the command has ended, ends whatever that left running and writes the result to the standard output as a tar
/// archive. The command prints to the standard error, and nothing of the project runs when the archive is made.
///
/// It needs `sh`, `cp` and `tar`, which everything that is like a distribution has.
enum BuildStep {
    /// Where the source lies that the command works on a copy of.
    static let source = "/source"
    /// Where the command works. All of it is memory, whose size the kernel limits. The place is not to make it the working
    /// directory by itself: Docker makes such a folder in the image first, and its mode would become that of the memory.
    static let work = InstallPlan.work

    /// - Parameters:
    ///   - result: the name that is kept; empty for nothing.
    ///   - folder: where it is below `/build`; made where the command has not.
    static func wrap(_ command: [String], keeping result: String, of folder: String = ".") -> [String] {
        ["/bin/sh", "-c", script, "invok-build", folder, result] + command
    }

    /// Paths and the command come in as arguments: nothing becomes part of the script. The signal goes to every process that
    /// this user has in the place but to the shell itself, and no fork escapes it (kill(2)); it is sent again until all
    /// are gone.
    private static let script = """
        folder=\(work)/$1; result=$2; shift 2
        if [ -d \(source) ]; then cp -R \(source)/. \(work)/ || exit 1; fi
        cd \(work) && unset PWD OLDPWD && "$@" >&2
        status=$?
        while kill -s KILL -- -1; do :; done 2>/dev/null
        if [ "$status" -ne 0 ] || [ -z "$result" ]; then exit "$status"; fi
        mkdir -p "$folder" && tar -cf - -C "$folder" "$result" && exit 0
        echo "invok: what the build left cannot be read" >&2
        exit 1
        """
}
