import ArgumentParser
import InvokModel

struct PasswordCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "password", abstract: "Set another password, which ends your other logins.",
        discussion: "In scripts: two lines on stdin, the current password and the new one, with --passwords-stdin")

    @Flag(help: "Read the current password and the new one from two lines of stdin.")
    var passwordsStdin = false

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let file = try context.sessionFile()
        let sessions = try file.read()
        let host = try passwordsStdin ? context.host(forSecretOf: sessions) : context.host(sessions)
        let (old, new) = try passwordsStdin ? Self.readLines() : ask(context, host)
        let answer = try await context.withAccount { account in
            let body = PasswordRequest(password: old, newPassword: new, refresh: true)
            return try await account.client.call(
                try account.client.request(.POST, "/auth/password", json: body), as: AuthResponse.self)
        }
        // What INVOK_TOKEN named has ended too; that is for whoever set it.
        try await file.update { sessions in
            sessions.sessions[host.description] = Session(answer, now: WallClock.now())
        }
        if context.console.isJSON {
            try context.console.json(LoginResult(host: host, user: answer.user))
        } else {
            context.console.result(
                "Changed the password of \(answer.user.email) at \(host); your other logins have ended")
        }
        return .success
    }

    private static func readLines() throws(Failure) -> (String, String) {
        let text = String(decoding: try Files.readAll(0, name: "stdin"), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasSuffix("\r") ? String($0.dropLast()) : String($0)
        }
        guard lines.count >= 2, !lines[0].isEmpty, !lines[1].isEmpty else {
            throw .usage("stdin needs two lines", nextStep: "give the current password, and the new one below it")
        }
        return (lines[0], lines[1])
    }

    private func ask(_ context: Context, _ host: HostAddress) throws(Failure) -> (String, String) {
        guard context.prompt.isInteractive else {
            throw .usage("the passwords are missing", nextStep: "use --passwords-stdin where nobody can be asked")
        }
        guard let old = context.prompt.secret("Current password at \(host): "), !old.isEmpty,
            let new = context.prompt.secret("New password: "), !new.isEmpty
        else { throw .usage("no password was given") }
        guard context.prompt.secret("The same again: ") == new else {
            throw .usage("the two passwords differ", nextStep: "type the same one twice")
        }
        return (old, new)
    }
}
