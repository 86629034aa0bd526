import ArgumentParser
import InvokModel

struct LogoutCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "End the login at the server, and forget it.")

    @Flag(help: "End all your logins there, on other machines too.")
    var all = false

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let file = try context.sessionFile()
        let sessions = try file.read()
        let host = try context.host(sessions)
        let session = sessions.sessions[host.description]
        if let session {
            do {
                // This login, also where INVOK_TOKEN names another.
                let token = TokenSource(session, of: TokenSource.Login(file: file, host: host))
                try await APIClient.with(host: host, token: token, environment: context.environment) { client in
                    try await client.perform(
                        client.request(.POST, "/auth/logout", query: [("all", all ? "true" : nil)]))
                }
            } catch let failure as Failure where failure.status == .notLoggedIn {
                // It had ended already.
            } catch let failure as Failure where !all {
                context.console.warn("the server has not ended the login, which is forgotten here: \(failure.message)")
            }
            try await file.update { sessions in
                let ended = sessions.sessions.removeValue(forKey: host.description)
                guard let token = ended?.refresh else { return }
                sessions.devices = (sessions.devices ?? [:]).merging([host.description: token]) { $1 }
            }
        }
        if context.console.isJSON {
            try context.console.json(["host": host.description])
        } else {
            context.console.result(
                session.map { "Logged out \($0.email) at \(host)\(all ? ", everywhere" : "")" }
                    ?? "You were not logged in at \(host)")
        }
        if context.environment["INVOK_TOKEN"] != nil {
            context.console.warn("INVOK_TOKEN is set and still logs you in")
        }
        return .success
    }
}
