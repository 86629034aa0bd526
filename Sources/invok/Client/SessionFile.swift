import InvokModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A login at one host.
struct Session: Hashable, Codable, Sendable {
    var token: String
    /// The user, and so the namespace.
    var uuid: UUIDValue
    var email: String
    /// What gives the next token, and when that is needed, in milliseconds since 1970; `nil` for a token that is good for
    /// long.
    var refresh: String?
    var expiresAt: Int64?

    init(token: String, uuid: UUIDValue, email: String) {
        self.token = token
        self.uuid = uuid
        self.email = email
    }

    /// What the server answered.
    init(_ answer: AuthResponse, now: Timestamp) {
        self.init(token: answer.token, uuid: answer.user.uuid, email: answer.user.email)
        refresh = answer.refreshToken
        expiresAt = answer.expiresSeconds.map { now.advanced(by: .seconds($0)).millisecondsSinceEpoch }
    }

    /// Whether the token has to be renewed before it is sent. One that would expire on the way counts as expired.
    func isStale(now: Timestamp) -> Bool {
        guard refresh != nil, let expiresAt else { return false }
        return now.advanced(by: .seconds(30)).millisecondsSinceEpoch >= expiresAt
    }
}

/// The logins that `invok` remembers, by host.
struct Sessions: Hashable, Codable, Sendable {
    /// The host of the last login: the one to speak to when nothing else is said.
    var host: String?
    var sessions: [String: Session] = [:]
    /// By host, a token of an earlier login there, which opens nothing any more: by it the server knows this device.
    var devices: [String: String]?
}

/// The file that keeps the logins: readable by its owner only, replaced in one step.
struct SessionFile: Sendable {
    let path: String
    /// Whether it lies in the project's folder, which somebody else may have written.
    let isInProject: Bool

    /// `./.serverless-cli-auth` with `ENV=DOCKER`, else `invok/session.json` in the XDG configuration directory (XDG
    /// Base Directory Specification 0.8: a relative path counts as unset).
    init(environment: [String: String], directory: String) throws(Failure) {
        if environment["ENV"] == "DOCKER" {
            path = directory + "/.serverless-cli-auth"
            isInProject = true
            return
        }
        isInProject = false
        if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") {
            path = base + "/invok/session.json"
        } else if let home = environment["HOME"], !home.isEmpty {
            path = home + "/.config/invok/session.json"
        } else {
            throw Failure(
                "no_home", "there is no place to keep a login: neither HOME nor XDG_CONFIG_HOME is set",
                nextStep: "set HOME")
        }
    }

    /// The logins; none where there is no file.
    /// - Throws: `Failure` also for a file that others may have written: it says where secrets are sent.
    func read() throws(Failure) -> Sessions {
        guard let bytes = try Files.readPrivate(path) else { return Sessions() }
        do {
            return try JSONDecoder().decode(Sessions.self, from: Data(bytes))
        } catch {
            throw .file(path, "read", "it is not a session file", nextStep: "remove it and log in again")
        }
    }

    /// Holds the lock of the file's folder meanwhile: of two runs side by side one renews a login, and the other takes what
    /// that got.
    /// - Throws: `Failure` also where another run keeps the lock for long, and where nothing could be written.
    func locked<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
    ) async throws -> Value {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try Files.ensureDirectory(folder, mode: 0o700)
        let lock = try await FolderLock.take(folder.isEmpty ? "/" : folder)
        defer { lock.release() }
        // Before a token is used up whose successor could not be kept.
        guard Files.isWritable(folder.isEmpty ? "/" : folder) else { throw Failure.file(path, "write", Files.reason()) }
        return try await body()
    }

    /// Reads the file, changes what it says, and writes it, with its lock.
    /// - Parameter mayBeBroken: whether a file that cannot be read is replaced.
    func update(mayBeBroken: Bool = false, _ change: (inout Sessions) -> Void) async throws {
        try await locked {
            var sessions = mayBeBroken ? (try? read()) ?? Sessions() : try read()
            change(&sessions)
            try write(sessions)
        }
    }

    func write(_ sessions: Sessions) throws(Failure) {
        if let slash = path.lastIndex(of: "/") { try Files.ensureDirectory(String(path[..<slash]), mode: 0o700) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(sessions) else { throw .file(path, "write", "it cannot be encoded") }
        try Files.replace(path, content: Array(data) + [UInt8(ascii: "\n")], mode: 0o600)
    }
}
