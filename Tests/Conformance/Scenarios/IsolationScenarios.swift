import Foundation
import Invok
import Testing

@Suite(.seeded)
struct IsolationScenarios {
    @Test(arguments: WorldName.selected)
    func twoUsersWithFunctionsOfOneName(_ world: WorldName) async throws {
        try await scenario("same name, two users", on: world) { installation in
            let anna = try await Client.register(on: installation)
            let bert = try await Client.register(on: installation)
            try await anna.deployed(.hello("mine", saying: "anna"))
            try await bert.deployed(.hello("mine", saying: "bert"))
            #expect(try await anna.get(anna.path("mine")).text == "anna")
            #expect(try await bert.get(bert.path("mine")).text == "bert")
            #expect(try await anna.delete(anna.api("mine")).status == 204)
            #expect(try await bert.get(bert.path("mine")).text == "bert")
            #expect(try await bert.get("/invok/list").json([FunctionMessage].self).count == 1)
        }
    }

    @Test(arguments: WorldName.selected)
    func aStrangersTokenFindsNothing(_ world: WorldName) async throws {
        try await scenario("stranger's token", on: world) { installation in
            let owner = try await Client.register(on: installation)
            try await owner.deployed(.hello("secret"))
            var stranger = try await Client.register(on: installation)
            stranger.user = owner.user
            for (method, path, body) in Self.attempts(on: owner, "secret") {
                let answer = try await stranger.send(
                    method, path, headers: [("Content-Type", "application/json")], body: body)
                #expect(answer.status == 404, "\(method) \(path): \(answer.status)")
                let absent = try await stranger.send(
                    method, path.replacing("/secret", with: "/absent"),
                    headers: [("Content-Type", "application/json")], body: body)
                #expect(absent.status == 404)
                #expect(absent.problem == answer.problem, "what exists and what does not look alike")
            }
            let upload = try await stranger.upload(
                Fixture.hello("secret").archive, named: "secret.zip", query: "?namespace=\(owner.namespace)")
            #expect(upload.status == 404)
            let list = try await stranger.get("/invok/list?namespace=\(owner.namespace)")
            #expect(list.status == 404)
            #expect(try await owner.get(owner.path("secret")).text == "hello")
        }
    }

    @Test(arguments: WorldName.selected)
    func noTokenAndBadTokensAreRefused(_ world: WorldName) async throws {
        try await scenario("missing, forged and expired tokens", on: world) { installation in
            let owner = try await Client.register(on: installation)
            try await owner.deployed(.hello("secret"))
            let token = try #require(owner.token)
            var bad: [Client] = [owner.anonymous]
            for forged in [
                "", "x", token + "x", String(token.dropLast(4)) + "AAAA", Self.unsigned(token), Self.foreign,
            ] {
                bad.append(owner.with(token: forged))
            }
            let user = try #require(owner.user?.uuid)
            bad.append(owner.with(token: try await installation.expiredToken(of: user)))
            for client in bad {
                let calls =
                    Self.attempts(on: owner, "secret") + [("GET", "/invok/list", nil), ("GET", "/api/v1/me", nil)]
                for (method, path, body) in calls {
                    let answer = try await client.send(
                        method, path, headers: [("Content-Type", "application/json")], body: body)
                    #expect(answer.status == 401, "\(method) \(path) with '\(client.token ?? "none")'")
                    #expect(answer.problem == "unauthenticated")
                }
                #expect(try await client.upload(Fixture.hello("secret").archive, named: "secret.zip").status == 401)
                #expect(try await client.get(owner.path("absent")).status == 401)
            }
        }
    }

    /// Every route that names a function.
    private static func attempts(on owner: Client, _ name: String) -> [(String, String, [UInt8]?)] {
        [
            ("GET", owner.path(name), nil),
            ("POST", owner.path(name, "/sub?x=1"), Array("body".utf8)),
            ("GET", "/invok/logs/\(owner.namespace)/\(name)", nil),
            ("GET", owner.api(name), nil),
            ("PUT", owner.api(name), Array(#"{"access":"public"}"#.utf8)),
            ("DELETE", owner.api(name), nil),
            ("GET", owner.api(name, "/versions"), nil),
            ("POST", owner.api(name, "/rollback"), Array("{}".utf8)),
            ("GET", owner.api(name, "/logs"), nil),
            ("POST", owner.api(name, "/restart"), nil),
            ("PUT", owner.api(name, "/secrets/TOKEN"), Array(#"{"value":"planted"}"#.utf8)),
            ("DELETE", owner.api(name, "/secrets/TOKEN"), nil),
        ]
    }

    /// The token with the algorithm `none` and no signature.
    private static func unsigned(_ token: String) -> String {
        let parts = token.split(separator: ".")
        guard parts.count == 3 else { return "a.b." }
        return "\(base64(#"{"alg":"none","typ":"JWT"}"#)).\(parts[1])."
    }

    /// A well-formed token that somebody else signed.
    private static let foreign =
        base64(#"{"alg":"HS256","typ":"JWT"}"#) + "."
        + base64(#"{"sub":"00000000-0000-4000-8000-000000000000","iss":"invok","aud":"invok","exp":9999999999}"#)
        + ".c2lnbmVkIGJ5IG5vYm9keSBhdCBhbGwgb3IgbW9yZQ"

    private static func base64(_ text: String) -> String {
        Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }
}
