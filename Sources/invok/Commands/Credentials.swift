import ArgumentParser
import InvokModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The email and the password of `register` and `login`.
struct CredentialOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Your email address. Asked for on a terminal.")
    var email: String?

    @Option(
        name: [.short, .long], parsing: .unconditional,
        help: "Your password. Other users of this machine can see it: prefer the prompt or --password-stdin.")
    var password: String?

    @Flag(help: "Read the password from stdin.")
    var passwordStdin = false

    /// Whether the password is asked for.
    var isTyped: Bool { password == nil && !passwordStdin }

    func validate() throws {
        if password != nil, passwordStdin {
            throw ValidationError("Give either --password or --password-stdin.")
        }
    }

    /// Reads what is missing from the person, and checks both as the server will.
    /// - Parameter isNew: asks for a new password twice.
    func resolve(in context: Context, isNew: Bool, code: String? = nil) throws -> CredentialsRequest {
        let address = try email ?? ask(context, "Email: ", missing: "give your address with -e")
        do {
            let email = try Email(address)
            let password = try self.password ?? readPassword(context, isNew: isNew)
            if isNew { _ = try Password(new: password, of: email) }
            return CredentialsRequest(email: email.description, password: password, code: code)
        } catch let error as InvokError {
            throw Failure(error, status: .usage)
        }
    }

    private func ask(_ context: Context, _ question: String, missing: String) throws(Failure) -> String {
        guard context.prompt.isInteractive, !passwordStdin else {
            throw .usage("the email is missing", nextStep: missing)
        }
        guard let line = context.prompt.line(question), !line.isEmpty else {
            throw .usage("no email was given", nextStep: missing)
        }
        return line
    }

    private func readPassword(_ context: Context, isNew: Bool) throws(Failure) -> String {
        if passwordStdin {
            let bytes = try Files.readStandardInput()
            var text = String(decoding: bytes, as: UTF8.self)
            // `echo` and editors end the line; no password ends with one.
            if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
            guard !text.isEmpty else { throw .usage("stdin has no password") }
            return text
        }
        let next = "use --password-stdin, or -p"
        guard context.prompt.isInteractive else { throw .usage("the password is missing", nextStep: next) }
        // Who types it sees first where it goes.
        let sessions = (try? context.sessionFile().read()) ?? Sessions()
        let host = try context.host(sessions)
        guard let first = context.prompt.secret("Password at \(host): "), !first.isEmpty else {
            throw .usage("no password was given", nextStep: next)
        }
        if isNew, context.prompt.secret("The same again: ") != first {
            throw .usage("the two passwords differ", nextStep: "type the same one twice")
        }
        return first
    }
}

/// Sends credentials and remembers the login that they give.
struct SignIn {
    let path: String
    let credentials: CredentialsRequest
    /// Whether somebody typed the password at a question.
    let isTyped: Bool

    func perform(in context: Context) async throws -> (host: HostAddress, answer: AuthResponse) {
        let file = try context.sessionFile()
        // A broken file must not keep a person from logging in again: the login replaces it.
        let sessions = (try? file.read()) ?? Sessions()
        // On a terminal the question has said where it goes.
        let host = isTyped ? try context.host(sessions) : try context.host(forSecretOf: sessions)
        if host.isReadableOnTheWay {
            context.console.warn("\(host) is not encrypted: your password can be read on the way")
        }
        var credentials = credentials
        credentials.refresh = true
        credentials.device = sessions.sessions[host.description]?.refresh ?? sessions.devices?[host.description]
        let answer = try await APIClient.with(host: host, token: nil, environment: context.environment) {
            [credentials] client in
            try await client.call(client.request(.POST, path, json: credentials), as: AuthResponse.self)
        }
        try await file.update(mayBeBroken: true) { sessions in
            sessions.host = host.description
            sessions.sessions[host.description] = Session(answer, now: WallClock.now())
        }
        return (host, answer)
    }
}

/// Who is logged in where, as `--json` prints it. The token stays in the session file.
struct LoginResult: Encodable {
    var host: String
    var uuid: UUIDValue
    var email: String
    var role: Role?

    init(host: HostAddress, user: UserMessage) {
        self.host = host.description
        uuid = user.uuid
        email = user.email
        role = user.role
    }
}
