import InvokModel

/// What a verb runs in: where it speaks, what surrounds it, and who the user is.
struct Context: Sendable {
    let console: Console
    let prompt: Prompt
    let environment: [String: String]
    let directory: String
    private let hostOption: String?

    init(
        options: CommonOptions, environment: [String: String], directory: String, console: Console,
        isInteractive: Bool? = nil
    ) {
        self.console = console
        prompt = isInteractive.map { Prompt(console: console, isInteractive: $0) } ?? Prompt(console: console)
        self.environment = environment
        self.directory = directory
        hostOption = options.host
    }

    func sessionFile() throws(Failure) -> SessionFile {
        try SessionFile(environment: environment, directory: directory)
    }

    /// The server to speak to.
    /// - Parameter sessions: what the session file says; a broken one does not matter where an option decides.
    func host(_ sessions: Sessions) throws(Failure) -> HostAddress {
        try .choose(option: hostOption, environment: environment, remembered: sessions.host)
    }

    /// The server to send a secret to that it has not given itself: a password, or `INVOK_TOKEN`.
    /// - Throws: `Failure` where only a file of the project's folder names a server elsewhere: whoever made the project
    ///   would get it.
    func host(forSecretOf sessions: Sessions) throws(Failure) -> HostAddress {
        let host = try host(sessions)
        let isNamed = ![hostOption, environment["INVOK_HOST"]].allSatisfy { $0?.isEmpty ?? true }
        let file = try sessionFile()
        guard isNamed || !file.isInProject || host.isLocal else {
            throw .usage(
                "only \(file.path), which lies in the project's folder, names the server \(host)",
                nextStep: "add '--host \(host)' or set INVOK_HOST, if that is your server")
        }
        return host
    }

    /// Runs the body with a client that speaks as the user.
    /// - Throws: `Failure` with the status `notLoggedIn` where there is no login for the host.
    func withAccount<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Account) async throws -> Value
    ) async throws -> Value {
        try await withAccount(required: true) { account, _ in
            guard let account else { throw Failure("internal", "no account") }
            return try await body(account)
        }
    }

    /// The same for what may also be done by nobody: the account is `nil` where there is no login.
    func withOptionalAccount<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Account?, APIClient) async throws -> Value
    ) async throws -> Value {
        try await withAccount(required: false, body)
    }

    private func withAccount<Value>(
        required: Bool, isolation: isolated (any Actor)? = #isolation,
        _ body: (Account?, APIClient) async throws -> Value
    ) async throws -> Value {
        let given = token
        let sessions = given == nil ? try sessionFile().read() : (try? sessionFile().read()) ?? Sessions()
        let host = given == nil ? try host(sessions) : try host(forSecretOf: sessions)
        let session = given == nil ? sessions.sessions[host.description] : nil
        let source =
            try given.map { TokenSource(fixed: $0) }
            ?? session.map { TokenSource($0, of: TokenSource.Login(file: try sessionFile(), host: host)) }
        guard let source else {
            if required { throw Failure.notLoggedIn(host) }
            return try await APIClient.with(host: host, token: nil, environment: environment) {
                try await body(nil, $0)
            }
        }
        if host.isReadableOnTheWay { console.warn("\(host) is not encrypted: your login can be read on the way") }
        return try await APIClient.with(host: host, token: source, environment: environment) { client in
            try await body(Account(client: client, remembered: session?.uuid), client)
        }
    }

    /// `INVOK_TOKEN`, for scripts.
    private var token: String? {
        guard let text = environment["INVOK_TOKEN"] else { return nil }
        let token = text.filter { !$0.isWhitespace }
        return token.isEmpty ? nil : token
    }
}

/// A user at a host.
struct Account: Sendable {
    let client: APIClient
    /// The namespace that the login told; a bare token does not tell one.
    fileprivate let remembered: Namespace?

    /// The namespace to work in: the given one, or the user's own.
    func namespace(_ given: String?) async throws -> Namespace {
        if let given {
            guard let namespace = Namespace(given) else {
                throw Failure.usage(
                    "'\(given)' is not a namespace", nextStep: "give the uuid of the user who shares it")
            }
            return namespace
        }
        if let remembered { return remembered }
        return try await client.call(client.request(.GET, "/api/v1/me"), as: UserMessage.self).uuid
    }

    /// Runs a call about a function, and adds what may have been meant where the server knows no such function.
    func about<Value>(
        _ name: FunctionName, namespace: Namespace, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch var failure as Failure where failure.code == InvokError.Code.notFound.rawValue {
            let query = [("namespace", Optional("\(namespace)"))]
            let functions = try? await client.call(
                client.request(.GET, "/api/v1/functions", query: query), as: [FunctionMessage].self)
            let names = functions?.map(\.name) ?? []
            guard !names.contains(name.description) else { throw failure }
            failure.message = "there is no function '\(name)' at \(client.host)"
            if let nearest = Suggestion.nearest(to: name.description, among: names) {
                failure.nextStep = "did you mean '-n \(nearest)'?"
            } else if names.isEmpty {
                failure.nextStep = "deploy one with 'invok deploy -n \(name)'"
            } else {
                failure.nextStep = "see what there is with 'invok list'"
            }
            throw failure
        }
    }
}
