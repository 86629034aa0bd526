import ArgumentParser
import InvokModel

struct RegisterCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Make an account and log in.",
        discussion: "Example: invok register -e ada@example.com")

    @Option(help: "An invitation's code, or the setup code of a new server, where not everybody may register.")
    var code: String?

    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let signIn = SignIn(
            path: "/auth/register", credentials: try credentials.resolve(in: context, isNew: true, code: code),
            isTyped: credentials.isTyped)
        let (host, answer): (HostAddress, AuthResponse)
        do {
            (host, answer) = try await signIn.perform(in: context)
        } catch var failure as Failure where failure.code == InvokError.Code.emailTaken.rawValue {
            failure.nextStep = "log in with 'invok login -e \(signIn.credentials.email)'"
            throw failure
        } catch var failure as Failure where failure.code == InvokError.Code.registrationClosed.rawValue && code == nil
        {
            failure.nextStep = failure.nextStep.map { "\($0): 'invok register --code CODE'" }
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
