import InvokModel
import Synchronization

/// The token to send: a fixed one, or that of a login, which is renewed when it is about to expire.
final class TokenSource: Sendable {
    /// The login that is renewed.
    struct Login: Sendable {
        let file: SessionFile
        let host: HostAddress
    }

    private let login: Login?
    private let session: Mutex<(token: String, isStale: @Sendable (Timestamp) -> Bool)>

    /// A token that somebody gave.
    init(fixed token: String) {
        login = nil
        session = Mutex((token, { _ in false }))
    }

    init(_ session: Session, of login: Login) {
        self.login = login
        self.session = Mutex((session.token, { session.isStale(now: $0) }))
    }

    /// A token that is good.
    /// - Parameter renew: asks the server for the next tokens.
    /// - Throws: `Failure` with the status `notLoggedIn` where the login has ended.
    func token(renew: (RefreshRequest) async throws -> AuthResponse) async throws -> String {
        let (token, isStale) = session.withLock { $0 }
        guard let login, isStale(WallClock.now()) else { return token }
        let next = try await login.file.locked { () async throws -> Session in
            var sessions = try login.file.read()
            let key = login.host.description
            guard let known = sessions.sessions[key], let refresh = known.refresh else {
                throw Failure.loginEnded(login.host)
            }
            // Another run was faster.
            guard known.isStale(now: WallClock.now()) else { return known }
            do {
                let next = Session(try await renew(RefreshRequest(refreshToken: refresh)), now: WallClock.now())
                sessions.sessions[key] = next
                try login.file.write(sessions)
                return next
            } catch let failure as Failure where failure.status == .notLoggedIn {
                sessions.sessions[key] = nil
                sessions.devices = (sessions.devices ?? [:]).merging([key: refresh]) { $1 }
                try login.file.write(sessions)
                throw Failure.loginEnded(login.host)
            }
        }
        session.withLock { $0 = (next.token, { next.isStale(now: $0) }) }
        return next.token
    }
}
