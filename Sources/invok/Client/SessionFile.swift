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
}

/// The logins that `invok` remembers, by host.
struct Sessions: Hashable, Codable, Sendable {
    /// The host of the last login: the one to speak to when nothing else is said.
    var host: String?
    var sessions: [String: Session] = [:]
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

    func write(_ sessions: Sessions) throws(Failure) {
        if let slash = path.lastIndex(of: "/") { try Files.ensureDirectory(String(path[..<slash]), mode: 0o700) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(sessions) else { throw .file(path, "write", "it cannot be encoded") }
        try Files.replace(path, content: Array(data) + [UInt8(ascii: "\n")], mode: 0o600)
    }
}
