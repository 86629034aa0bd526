/// An email address, lower-cased and in normalization form C, so that one person has one account.
public struct Email: Hashable, Sendable, CustomStringConvertible, Codable {
    /// The longest that fits a mail path (RFC 5321 §4.5.3.1.3).
    public static let maximumLength = 254
    public let description: String

    private static let unprintable: Set<Unicode.GeneralCategory> = [
        .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
    ]

    /// Accepts `local@domain` without spaces, control characters or what changes how the rest is read, such as marks of
    /// direction; only a message sent to it could prove more.
    /// - Throws: `InvokError` with the code `invalid_email`.
    public init(_ text: String) throws(InvokError) {
        guard text.utf8.count <= 4 * Self.maximumLength else { throw .invalidEmail(text) }
        // Lowered first, since that may make it longer.
        let lowered = text.lowercased().canonicallyComposed
        let parts = lowered.split(separator: "@", omittingEmptySubsequences: false)
        let isPrintable = lowered.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && !Self.unprintable.contains($0.properties.generalCategory)
        }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, isPrintable,
            lowered.utf8.count <= Self.maximumLength, parts[0].utf8.count <= 64,
            !parts[1].hasPrefix("."), !parts[1].hasSuffix("."), !parts[1].contains("..")
        else { throw .invalidEmail(text) }
        description = lowered
    }
}

/// A password as typed: 8 to 1024 characters of any script. It is never printed.
///
/// In normalization form C (RFC 8265 §4.2.2), since keyboards differ in how they make an accented letter.
public struct Password: Sendable, CustomStringConvertible {
    public static let minimumCharacters = 8
    public static let maximumCharacters = 1024
    /// The bytes that are hashed, UTF-8.
    public let bytes: [UInt8]

    /// - Throws: `InvokError` with the code `invalid_password`, saying the limits.
    public init(_ text: String) throws(InvokError) {
        guard text.utf8.count <= 4 * Self.maximumCharacters, text.count <= Self.maximumCharacters else {
            throw .passwordTooLong
        }
        guard text.count >= Self.minimumCharacters else { throw .passwordTooShort }
        bytes = Array(text.canonicallyComposed.utf8)
    }

    /// A password for an account from now on.
    /// - Throws: `invalid_password`, also for one of the commonest passwords, or one that is the account's own name.
    public init(new text: String, of email: Email) throws(InvokError) {
        try self.init(text)
        guard !CommonPasswords.contains(text.canonicallyComposed, of: email) else { throw .passwordTooCommon }
    }

    public var description: String { "(password)" }
}

extension Password: CustomReflectable {
    /// Nothing, so that `dump` does not print it either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
