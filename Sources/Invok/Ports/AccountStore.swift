/// Who may get in, durable. Each call is one transaction: it happens whole or not at all.
///
/// It is the same store as `MetadataStore`, whose users these are.
public protocol AccountStore: Sendable {
    // MARK: Users

    func hasUsers() async throws(StoreError) -> Bool
    /// The users behind an email address, in the order of their addresses.
    func users(after email: Email?, limit: Int) async throws(StoreError) -> [User]
    /// Adds a user who shows a ticket. The ticket is used up then, and stays good where this throws.
    /// - Returns: the user as stored: an invitation says the role, and the very first is admin.
    /// - Throws: `notFound` when the ticket is not good any more, `conflict` when the email or the identifier is taken.
    func createUser(_ user: User, by ticket: Ticket) async throws(StoreError) -> User

    // MARK: Invitations

    /// Adds an invitation, and takes those away that have ended.
    /// - Throws: `conflict` when there are `limit` already.
    func addInvitation(_ invitation: Invitation, limit: Int) async throws(StoreError)
    func invitation(_ code: Digest) async throws(StoreError) -> Invitation?
    /// All that are stored, by the time of their making.
    func invitations() async throws(StoreError) -> [Invitation]
    /// - Returns: whether there was one.
    func removeInvitation(_ id: UUIDValue) async throws(StoreError) -> Bool

    // MARK: Sessions

    /// Adds a session. Beyond `limit` of one user, its oldest log-ins end.
    /// - Parameter until: when the last token of those has expired.
    /// - Throws: `notFound` when the user does not exist.
    func addSession(
        _ session: LoginSession, limit: Int, until: Timestamp
    ) async throws(StoreError) -> LoginSession
    /// The sessions of a user that go on, those that were used last first.
    func sessions(of user: UserID, now: Timestamp) async throws(StoreError) -> [LoginSession]
    /// Shows a refresh token: see `LoginSession.onRefresh`. A session that refuses it ends.
    /// - Returns: the session as it is now, and what the token came to; `nil` for a session that is not there.
    func renewSession(
        _ id: UUIDValue, generation: Int, lifetime: Duration, now: Timestamp
    ) async throws(StoreError) -> (session: LoginSession, renewal: LoginSession.Renewal)?
    /// Ends one session of a user.
    /// - Returns: whether it was there.
    func endSession(_ id: UUIDValue, of user: UserID, now: Timestamp) async throws(StoreError) -> Bool
    /// Ends all log-ins of a user up to now.
    /// - Parameters:
    ///   - passwordHash: the user's from then on, unless `nil`.
    ///   - until: when the last token of them has expired.
    /// - Throws: `notFound` when the user does not exist.
    func endSessions(
        of user: UserID, passwordHash: String?, now: Timestamp, until: Timestamp
    ) async throws(StoreError)
    /// What was taken back after an epoch, and has not expired; all of it after 0.
    func revocations(after epoch: Int, now: Timestamp) async throws(StoreError) -> RevocationPage
}

/// By what somebody may make an account where not everybody may.
public enum Ticket: Hashable, Sendable {
    /// Good as long as there is no user at all.
    case first
    /// Good once.
    /// - Parameter now: the invitation must not have ended then.
    case invitation(Digest, now: Timestamp)
}

/// Lets one person make an account.
public struct Invitation: Hashable, Sendable {
    public let id: UUIDValue
    /// Of the code that the person shows.
    public let code: Digest
    /// What the user becomes.
    public let role: Role
    public let createdBy: UserID
    public let createdAt: Timestamp
    public let expiresAt: Timestamp

    public init(
        id: UUIDValue, code: Digest, role: Role, createdBy: UserID, createdAt: Timestamp, expiresAt: Timestamp
    ) {
        self.id = id
        self.code = code
        self.role = role
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}
