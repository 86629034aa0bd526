import CryptoExtras
import Foundation
import Invok
import InvokAuth
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JWTTokenCodecTests {
    static let secret = Array("5f1d9c0e7ab34462b8d0a7c9e3f1564d".utf8)
    static let user = UUIDValue(high: 0x1234_5678_9ABC_4DEF, low: 0x8123_4567_89AB_CDEF)
    static let now = Timestamp(millisecondsSinceEpoch: 1_700_000_000_250)
    static let claims = TokenClaims(
        user: user, issuedAt: now, expiresAt: Timestamp(millisecondsSinceEpoch: 1_700_000_600_750))

    private func codec(_ secret: [UInt8] = Self.secret) async throws -> JWTTokenCodec {
        try await JWTTokenCodec(secret: secret)
    }

    /// Signs any header and payload, as somebody who knows the secret could.
    private func forge(
        header: String = #"{"alg":"HS256","typ":"JWT"}"#, payload: String, secret: [UInt8] = Self.secret
    ) -> String {
        let signed = "\(base64URL(Array(header.utf8))).\(base64URL(Array(payload.utf8)))"
        let signature = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: SymmetricKey(data: secret))
        return "\(signed).\(base64URL(Array(signature)))"
    }

    private func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    private func payload(
        iss: String = #""invok""#, aud: String = #""invok""#, sub: String = "\"\(Self.user)\"",
        iat: String = "1700000000", exp: String = "1700000600"
    ) -> String {
        #"{"iss":\#(iss),"aud":\#(aud),"sub":\#(sub),"iat":\#(iat),"exp":\#(exp)}"#
    }

    private func isValid(_ token: String, now: Timestamp = Self.now) async throws -> Bool {
        let codec = try await codec()
        do throws(TokenError) {
            _ = try await codec.verify(token, now: now)
            return true
        } catch {
            return false
        }
    }

    @Test func aSessionsTokensRoundTripAndAreNotEachOther() async throws {
        let codec = try await codec()
        for purpose in [TokenClaims.Purpose.access, .refresh(generation: 7)] {
            let claims = TokenClaims(
                user: Self.user, session: UUIDValue(high: 5, low: 6),
                loggedInAt: Timestamp(millisecondsSinceEpoch: 1_600_000_000_001), purpose: purpose, issuedAt: Self.now,
                expiresAt: Self.now.advanced(by: .seconds(60)))
            #expect(try await codec.verify(codec.sign(claims), now: Self.now) == claims)
        }
        let rest = #""sub":"\#(Self.user)","iat":1700000000,"exp":1700000600"#
        for payload in [
            #"{"iss":"invok","aud":"invok","gen":1,"sid":"AAAAAAAAAAUAAAAAAAAABg",\#(rest)}"#,
            #"{"iss":"invok","aud":"invok-refresh","sid":"AAAAAAAAAAUAAAAAAAAABg",\#(rest)}"#,
            #"{"iss":"invok","aud":"invok-refresh","gen":1,\#(rest)}"#,
            #"{"iss":"invok","aud":"invok","sid":"x",\#(rest)}"#,
        ] {
            #expect(try await !isValid(forge(payload: payload)), "\(payload)")
        }
    }

    @Test func claimsRoundTripToTheMillisecond() async throws {
        let codec = try await codec()
        #expect(try await codec.verify(codec.sign(Self.claims), now: Self.now) == Self.claims)
    }

    @Test func theTokenIsAnOrdinaryOne() async throws {
        let token = try await codec().sign(Self.claims)
        let parts = token.split(separator: ".").map { part in
            Data(
                base64Encoded: part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
                    + String(repeating: "=", count: (4 - part.count % 4) % 4))
        }
        let header = try #require(parts.first ?? nil)
        let payload = try #require(parts.dropFirst().first ?? nil)
        let fields = try #require(JSONSerialization.jsonObject(with: payload) as? [String: Any])
        #expect(try (JSONSerialization.jsonObject(with: header) as? [String: Any])?["alg"] as? String == "HS256")
        #expect(Set(fields.keys) == ["iss", "aud", "sub", "iat", "exp"])
        #expect(fields["sub"] as? String == Self.user.description)
    }

    @Test func aTokenOfTheSameFormFromElsewhereIsTaken() async throws {
        #expect(try await isValid(forge(payload: payload())))
    }

    @Test func expiryIsComparedWithTheGivenTime() async throws {
        let token = try await codec().sign(Self.claims)
        let end = Self.claims.expiresAt.millisecondsSinceEpoch
        #expect(try await isValid(token, now: Timestamp(millisecondsSinceEpoch: end - 1)))
        #expect(try await !isValid(token, now: Timestamp(millisecondsSinceEpoch: end)))
        #expect(try await !isValid(token, now: Timestamp(millisecondsSinceEpoch: end + 1)))
    }

    @Test func anotherSecretsTokenIsRefused() async throws {
        let other = Array("e82b7f5d104c49c6a3f9d2b8706e1c5a".utf8)
        #expect(try await !isValid(codec(other).sign(Self.claims)))
    }

    @Test func everyChangedByteIsRefused() async throws {
        let token = try await codec().sign(Self.claims)
        // The last character of each part may carry bits that Base64 does not use.
        let ends = Set(token.utf8.indices.filter { token.utf8.index(after: $0) == token.utf8.endIndex })
        for index in token.utf8.indices where !ends.contains(index) {
            var bytes = Array(token.utf8)
            let offset = token.utf8.distance(from: token.utf8.startIndex, to: index)
            bytes[offset] = bytes[offset] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(try await !isValid(String(decoding: bytes, as: UTF8.self)), "byte \(offset)")
        }
    }

    @Test(arguments: [
        #"{"alg":"none","typ":"JWT"}"#, #"{"alg":"None"}"#, #"{"alg":"HS384"}"#, #"{"alg":"HS512"}"#,
        #"{"alg":"RS256"}"#, #"{"alg":"hs256"}"#, #"{"alg":"ES256","kid":"1"}"#, #"{"typ":"JWT"}"#, #"{}"#,
        #"{"alg":null}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256","crit":["exp"]}"#, #"[]"#, "",
    ])
    func anotherAlgorithmIsRefused(header: String) async throws {
        #expect(try await !isValid(forge(header: header, payload: payload())))
        let unsigned = forge(header: header, payload: payload()).split(separator: ".").prefix(2).joined(separator: ".")
        #expect(try await !isValid(unsigned + "."))
    }

    @Test func wrongClaimsAreRefused() async throws {
        let wrong = [
            payload(iss: #""other""#), payload(aud: #""other""#), payload(aud: #"["invok","other"]"#),
            payload(sub: #""root""#), payload(sub: "7"), payload(sub: #""""#), payload(exp: #""1700000600""#),
            payload(exp: "1e300"), payload(exp: "-1"), payload(exp: "null"), payload(iat: "1e300"),
            payload(iat: "true"), #"{"iss":"invok","aud":"invok","sub":"\#(Self.user)","iat":1700000000}"#,
            #"{"sub":"\#(Self.user)","iat":1,"exp":1700000600}"#, "{}", "[]", "null", "",
            String(repeating: "[", count: 1000),
        ]
        for payload in wrong { #expect(try await !isValid(forge(payload: payload)), "\(payload)") }
    }

    @Test(arguments: [
        "", ".", "..", "...", "a.b.c", "a.b", "Bearer x", "\u{0}.\u{0}.\u{0}", "é.é.é",
        String(repeating: "a", count: 100_000), String(repeating: ".", count: 4000),
    ])
    func whatIsNoTokenIsRefused(token: String) async throws {
        #expect(try await !isValid(token))
    }
}
