/// A log-in that goes on: what one device of a person has at the server.
///
/// Its refresh tokens are a family, of which one is good at a time: each gives the next one. One that comes a second time
/// was copied, so the whole family ends (RFC 9700 §4.14.2).
public struct LoginSession: Hashable, Sendable {
    /// How long the token before gives the same successor again: the answer with it may have been lost.
    public static let grace = Duration.seconds(30)

    public let id: UUIDValue
    public let user: UserID
    /// What the client calls itself, and where it was, for the person who looks at the list.
    public let client: String
    public let address: String
    /// Behind every end of the user's log-ins, whichever core's clock it was by.
    public var createdAt: Timestamp
    public var usedAt: Timestamp
    public var expiresAt: Timestamp
    /// Which refresh token is good, counted from 0.
    public var generation: Int
    /// When that one was given.
    public var renewedAt: Timestamp

    public init(
        id: UUIDValue, user: UserID, client: String, address: String, createdAt: Timestamp, usedAt: Timestamp,
        expiresAt: Timestamp, generation: Int = 0, renewedAt: Timestamp
    ) {
        self.id = id
        self.user = user
        self.client = client
        self.address = address
        self.createdAt = createdAt
        self.usedAt = usedAt
        self.expiresAt = expiresAt
        self.generation = generation
        self.renewedAt = renewedAt
    }

    /// What a refresh token comes to.
    public enum Renewal: Hashable, Sendable {
        /// The next one is good now.
        case renewed
        /// The one that is good now was its successor before.
        case repeated
        /// It was copied, or the session is over: the session ends.
        case refused
    }

    /// A refresh token is shown.
    /// - Parameters:
    ///   - generation: its number.
    ///   - lifetime: how long the session goes on from now.
    public mutating func onRefresh(_ generation: Int, lifetime: Duration, now: Timestamp) -> Renewal {
        guard now < expiresAt else { return .refused }
        if generation == self.generation {
            self.generation += 1
            (renewedAt, usedAt, expiresAt) = (now, now, now.advanced(by: lifetime))
            return .renewed
        }
        let isOfThePredecessor = generation == self.generation - 1 && now < renewedAt.advanced(by: Self.grace)
        return isOfThePredecessor ? .repeated : .refused
    }
}

/// Tokens that count no more before they expire.
public enum Revocation: Hashable, Sendable {
    /// Those of a session.
    case session(UUIDValue, until: Timestamp)
    /// Those of a user's log-ins before a point in time.
    case logins(of: UserID, before: Timestamp, until: Timestamp)

    /// How many of one user are kept; beyond that all of the user's log-ins end, which takes one.
    public static let limitPerUser = 1000

    /// When the last of them has expired, so that it need not be known any more.
    public var until: Timestamp {
        switch self {
        case .session(_, let until), .logins(_, _, let until): until
        }
    }
}

/// What was taken back since the last look.
public struct RevocationPage: Hashable, Sendable {
    /// Counts all that were ever taken back, in the order in which they were.
    public let epoch: Int
    public let revocations: [Revocation]

    public init(epoch: Int, revocations: [Revocation]) {
        self.epoch = epoch
        self.revocations = revocations
    }
}

extension Timestamp {
    /// A millisecond later.
    public var next: Timestamp { advanced(by: .milliseconds(1)) }
}
