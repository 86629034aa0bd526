/// Who may make an account. Raw values are what `INVOK_REGISTRATION` says.
public enum Registration: String, Sendable, Hashable, CaseIterable {
    /// Anybody.
    case open
    /// Whoever has an invitation.
    case invite
    /// Nobody but an operator, by `invok-core admin create`.
    case closed
}
