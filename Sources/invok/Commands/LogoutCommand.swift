import ArgumentParser
import InvokModel

struct LogoutCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Forget the login at the server.")

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let file = try context.sessionFile()
        var sessions = try file.read()
        let host = try context.host(sessions)
        let session = sessions.sessions.removeValue(forKey: host.description)
        if session != nil { try file.write(sessions) }
        if context.console.isJSON {
            try context.console.json(["host": host.description])
        } else {
            context.console.result(
                session.map { "Logged out \($0.email) at \(host)" } ?? "You were not logged in at \(host)")
        }
        if context.environment["INVOK_TOKEN"] != nil {
            context.console.warn("INVOK_TOKEN is set and still logs you in")
        }
        return .success
    }
}
