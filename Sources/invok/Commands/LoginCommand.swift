import ArgumentParser
import InvokModel

struct LoginCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Log in; the login is remembered for the server.",
        discussion: """
            Example: invok login -e ada@example.com
            In scripts: invok login -e ada@example.com --password-stdin < password.txt
            """)

    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let signIn = SignIn(
            path: "/auth/login", credentials: try credentials.resolve(in: context, isNew: false),
            isTyped: credentials.isTyped)
        let (host, answer) = try await signIn.perform(in: context)
        if context.console.isJSON {
            try context.console.json(LoginResult(host: host, user: answer.user))
        } else {
            context.console.result("Logged in as \(answer.user.email) at \(host)")
        }
        return .success
    }
}
