import ArgumentParser
import InvokModel

struct RegisterCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Make an account and log in.",
        discussion: "Example: invok register -e ada@example.com")

    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let signIn = SignIn(
            path: "/auth/register", credentials: try credentials.resolve(in: context, isNew: true),
            isTyped: credentials.isTyped)
        let (host, answer): (HostAddress, AuthResponse)
        do {
            (host, answer) = try await signIn.perform(in: context)
        } catch var failure as Failure where failure.code == InvokError.Code.emailTaken.rawValue {
            failure.nextStep = "log in with 'invok login -e \(signIn.credentials.email)'"
            throw failure
        }
        if context.console.isJSON {
            try context.console.json(LoginResult(host: host, user: answer.user))
        } else {
            context.console.result("Registered and logged in as \(answer.user.email) at \(host)")
            context.console.note("Next: make a function with 'invok create -n hello'")
        }
        return .success
    }
}
