/// What keeps web pages of other people off the API.
struct OriginChecks: Sendable {
    let client: WireClient

    private static let foreign = "https://invok-doctor.invalid"

    func run() async throws -> [SecurityCheck] {
        [try await foreignHost(), try await foreignOrigin(), try await preflight()]
    }

    private func foreignHost() async throws -> SecurityCheck {
        let answer = try await client.request("GET", "/api/openapi.json", host: "invok-doctor.invalid")
        return SecurityCheck(
            "requests for another host are refused (DNS rebinding)", answer.status == 421, found: answer.summary,
            nextStep: "Set INVOK_PUBLIC_URL, or INVOK_HOSTS, to the names under which people reach this server.")
    }

    private func foreignOrigin() async throws -> SecurityCheck {
        let body = Array(#"{"email":"doctor@invok-doctor.invalid","password":"not a password of anybody"}"#.utf8)
        let answer = try await client.request(
            "POST", "/auth/login", ["Origin: \(Self.foreign)", "Content-Type: application/json"], body: body)
        return SecurityCheck(
            "a page of another origin cannot change anything", answer.status == 403, found: answer.summary,
            nextStep: "Take origins that are not yours out of INVOK_CORS_ORIGINS.")
    }

    private func preflight() async throws -> SecurityCheck {
        let answer = try await client.request(
            "OPTIONS", "/api/v1/functions",
            [
                "Origin: \(Self.foreign)", "Access-Control-Request-Method: GET",
                "Access-Control-Request-Headers: authorization",
            ])
        let allowed = answer.fields("Access-Control-Allow-Origin")
        return SecurityCheck(
            "a page of another origin cannot read the API", allowed.isEmpty,
            found: "Access-Control-Allow-Origin: \(allowed.joined(separator: ", "))",
            nextStep: "Take '*' and origins that are not yours out of INVOK_CORS_ORIGINS.")
    }
}
