import Foundation
public import Invok
import JWTKit

/// JSON web tokens (RFC 7519), signed by HMAC-SHA-256 and nothing else.
public struct JWTTokenCodec: TokenCodec {
    /// Both who issues the tokens and whom they are for.
    static let party = "invok"
    /// Whom refresh tokens are for, so that none passes for another one.
    static let refreshAudience = "invok-refresh"
    static let algorithm = "HS256"
    /// Longer tokens are refused unread.
    static let maximumTokenBytes = 4096

    private let keys: JWTKeyCollection

    /// - Parameter secret: at least 32 bytes that nobody can guess.
    /// - Throws: `InvokError` with the code `invalid_config` for a short or well-known secret; the message does not
    ///   repeat it.
    public init(secret: [UInt8]) async throws(InvokError) {
        try Secret.token.check(secret)
        keys = await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    }

    public func sign(_ claims: TokenClaims) async throws(TokenError) -> String {
        do { return try await keys.sign(Claims(claims)) } catch { throw .invalid("it cannot be signed: \(error)") }
    }

    public func verify(_ token: String, now: Timestamp) async throws(TokenError) -> TokenClaims {
        let claims = try await signedClaims(of: token)
        let purpose: TokenClaims.Purpose
        switch (claims.iss, claims.aud, claims.gen) {
        case (Self.party, Self.party, nil): purpose = .access
        case (Self.party, Self.refreshAudience, let generation?): purpose = .refresh(generation: generation)
        default: throw .invalid("it is for somebody else")
        }
        guard let user = UUIDValue(claims.sub), let issuedAt = claims.iat.timestamp,
            let expiresAt = claims.exp.timestamp
        else { throw .invalid("a claim in it is malformed") }
        guard now < expiresAt else { throw .invalid("it has expired") }
        let session = claims.sid.flatMap { UUIDValue(shortText: $0) }
        guard (session == nil) == (claims.sid == nil), purpose == .access || session != nil else {
            throw .invalid("a claim in it is malformed")
        }
        return TokenClaims(
            user: user, session: session, loggedInAt: claims.authTime?.timestamp, purpose: purpose,
            issuedAt: issuedAt, expiresAt: expiresAt)
    }

    private func signedClaims(of token: String) async throws(TokenError) -> Claims {
        guard token.utf8.count <= Self.maximumTokenBytes else { throw .invalid("it is too long") }
        do {
            // The collection compares the signature whatever algorithm the header names, so that is looked at first.
            let header = try DefaultJWTParser().parse(Array(token.utf8), as: Claims.self).header
            guard header.alg == Self.algorithm else { throw TokenError.invalid("it is not signed by HS256") }
            // Extensions that must be understood, of which there are none here (RFC 7515 §4.1.11).
            guard header.crit == nil else { throw TokenError.invalid("it has critical extensions") }
            return try await keys.verify(token, as: Claims.self)
        } catch {
            throw error as? TokenError ?? .invalid("\(error)")
        }
    }
}

/// The registered claims (RFC 7519 §4.1), every one of them required, the session and the time of the log-in as OpenID
/// Connect names them, and the number of a refresh token.
private struct Claims: JWTPayload {
    let iss: String
    let aud: String
    let sub: String
    let iat: NumericDate
    let exp: NumericDate
    let sid: String?
    let authTime: NumericDate?
    let gen: Int?

    enum CodingKeys: String, CodingKey {
        case iss, aud, sub, iat, exp, sid, gen
        case authTime = "auth_time"
    }

    init(_ claims: TokenClaims) {
        iss = JWTTokenCodec.party
        switch claims.purpose {
        case .access: (aud, gen) = (JWTTokenCodec.party, nil)
        case .refresh(let generation): (aud, gen) = (JWTTokenCodec.refreshAudience, generation)
        }
        sid = claims.session?.shortText
        authTime = claims.loggedInAt == claims.issuedAt ? nil : NumericDate(claims.loggedInAt)
        sub = claims.user.description
        iat = NumericDate(claims.issuedAt)
        exp = NumericDate(claims.expiresAt)
    }

    /// The codec compares them with the time that it is given; this hook knows only the system's.
    func verify(using algorithm: some JWTAlgorithm) {}
}

/// Seconds since 1970, with a fraction where there is one (RFC 7519 §2).
private struct NumericDate: Codable {
    let seconds: Double

    init(_ time: Timestamp) { seconds = Double(time.millisecondsSinceEpoch) / 1000 }

    init(from decoder: any Decoder) throws { seconds = try decoder.singleValueContainer().decode(Double.self) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(seconds)
    }

    /// `nil` for a time too far away to be meant, and to fit.
    var timestamp: Timestamp? {
        guard abs(seconds) < 1e12 else { return nil }
        return Timestamp(millisecondsSinceEpoch: Int64((seconds * 1000).rounded()))
    }
}

extension UUIDValue {
    /// Its bytes in base64url (RFC 4648 §5), 22 characters: every request carries one.
    fileprivate var shortText: String {
        let bytes = [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
        return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    fileprivate init?(shortText: String) {
        let text = shortText.replacing("-", with: "+").replacing("_", with: "/")
        guard shortText.utf8.count == 22, let bytes = Data(base64Encoded: text + "=="), bytes.count == 16 else {
            return nil
        }
        let words = [bytes.prefix(8), bytes.suffix(8)].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self.init(high: words[0], low: words[1])
    }
}
