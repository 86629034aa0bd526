import Synchronization

/// Who may make an account, and the invitations by which some may.
public final class Registrations: Sendable {
    /// Invitations that may be open at a time.
    static let limit = 1000
    public static let longestInvitation = Duration.seconds(90 * 86_400)

    private let world: World
    private let settings: SystemSettings
    /// Whether it was seen that there is a user: there always is one then.
    private let isSetUp = Mutex(false)

    init(world: World, settings: SystemSettings) {
        self.world = world
        self.settings = settings
    }

    /// By what somebody may make an account.
    /// - Returns: `nil` where everybody may.
    /// - Throws: `registration_closed`, `unavailable`.
    func ticket(_ code: String?) async throws(InvokError) -> Ticket? {
        if let setupCode = settings.setupCode, try await !hasUsers() {
            guard let code, Passcode.digest(of: code) == setupCode else { throw .setupCodeNeeded }
            return .first
        }
        switch settings.registration {
        case .closed: throw .registrationIsClosed
        case .open where code == nil: return nil
        case .open, .invite:
            guard let code else { throw .invitationNeeded }
            let (digest, now) = (Passcode.digest(of: code), world.clock.wallTime())
            let found = try await storing { () throws(StoreError) in try await world.accounts.invitation(digest) }
            guard let found, found.expiresAt > now else { throw .invitationUsed }
            return .invitation(digest, now: now)
        }
    }

    /// Whether the very first account is still to be made, and takes a code.
    public func awaitsSetup() async throws(InvokError) -> Bool {
        guard settings.setupCode != nil else { return false }
        return try await !hasUsers()
    }

    private func hasUsers() async throws(InvokError) -> Bool {
        if isSetUp.withLock({ $0 }) { return true }
        let found = try await storing { () throws(StoreError) in try await world.accounts.hasUsers() }
        if found { isSetUp.withLock { $0 = true } }
        return found
    }

    // MARK: Invitations

    /// An invitation that was made just now, and the code that is told once.
    public struct Made: Sendable {
        public let invitation: Invitation
        public let code: Passcode
    }

    /// Makes an invitation.
    /// - Parameter lifetime: how long it is good.
    /// - Throws: `forbidden` unless the caller is an admin; `conflict` where nobody may register, and when there are too
    ///   many; `invalid_request` for a lifetime that is none.
    public func invite(
        as role: Role, for lifetime: Duration, by principal: Principal
    ) async throws(InvokError) -> Made {
        try Self.requireAdmin(principal)
        guard lifetime > .zero, lifetime <= Self.longestInvitation else {
            throw .invalidRequest("an invitation is good for a second at least, and for 90 days at most")
        }
        guard settings.registration != .closed else {
            throw InvokError(
                .conflict, "nobody can register at this server (INVOK_REGISTRATION=closed)",
                nextStep: "make the account with 'invok-core admin create', or set INVOK_REGISTRATION=invite")
        }
        let words = [world.randomness.next(), world.randomness.next()]
        let code = Passcode(
            bytes: words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
        let now = world.clock.wallTime()
        let invitation = Invitation(
            id: UUIDValue(randomness: world.randomness), code: code.digest, role: role,
            createdBy: principal.user.id, createdAt: now, expiresAt: now.advanced(by: lifetime))
        do throws(StoreError) {
            try await world.accounts.addInvitation(invitation, limit: Self.limit)
        } catch .conflict {
            throw InvokError(
                .conflict, "there are \(Self.limit) open invitations",
                nextStep: "revoke some with 'invok invite revoke'")
        } catch {
            throw InvokError(error)
        }
        return Made(invitation: invitation, code: code)
    }

    /// The invitations that are open.
    /// - Throws: `forbidden` unless the caller is an admin.
    public func invitations(as principal: Principal) async throws(InvokError) -> [Invitation] {
        try Self.requireAdmin(principal)
        let now = world.clock.wallTime()
        return try await storing { () throws(StoreError) in
            try await world.accounts.invitations().filter { $0.expiresAt > now }
        }
    }

    /// - Throws: `forbidden` unless the caller is an admin; `not_found`.
    public func revoke(_ invitation: UUIDValue, as principal: Principal) async throws(InvokError) {
        try Self.requireAdmin(principal)
        let found = try await storing { () throws(StoreError) in
            try await world.accounts.removeInvitation(invitation)
        }
        guard found else {
            throw InvokError(
                .notFound, "there is no such invitation, or it was used", nextStep: "see 'invok invite list'")
        }
    }

    private static func requireAdmin(_ principal: Principal) throws(InvokError) {
        guard principal.user.role == .admin else {
            throw InvokError(.forbidden, "only admins invite people", nextStep: "ask an admin of this server")
        }
    }
}

extension InvokError {
    fileprivate static let registrationIsClosed = InvokError(
        .registrationClosed, "nobody can register at this server", nextStep: "ask its operator for an account")

    fileprivate static let invitationNeeded = InvokError(
        .registrationClosed, "an account at this server takes an invitation",
        nextStep: "ask an admin for one, and register with its code")

    static let invitationUsed = InvokError(
        .registrationClosed, "the invitation is not good, or not any more", nextStep: "ask an admin for another one")

    fileprivate static let setupCodeNeeded = InvokError(
        .registrationClosed, "the first account at this server takes its setup code",
        nextStep: "register with the code that the server prints when it starts, or that INVOK_SETUP_CODE says")
}
