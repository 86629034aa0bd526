import Foundation
import Invok
import Testing

@Suite(.seeded)
struct AccountScenarios {
    @Test(arguments: WorldName.selected)
    func registerAndLogin(_ world: WorldName) async throws {
        try await scenario("register and login", on: world) { installation in
            let client = try await Client.register(on: installation)
            let email = try #require(client.user?.email)
            let login = try await client.anonymous.post(
                "/auth/login", CredentialsRequest(email: email.uppercased(), password: "correct horse battery"))
            #expect(login.status == 200)
            let session = try login.json(AuthResponse.self)
            #expect(session.user.uuid == client.user?.uuid)
            let me = try await client.with(token: session.token).get("/api/v1/me")
            #expect(try me.json(UserMessage.self).email == email)
        }
    }

    @Test(arguments: WorldName.selected)
    func aTakenEmailIsAConflict(_ world: WorldName) async throws {
        try await scenario("taken email", on: world) { installation in
            let client = try await Client.register(on: installation)
            let email = try #require(client.user?.email)
            let again = try await client.anonymous.post(
                "/auth/register", CredentialsRequest(email: email, password: "another password"))
            #expect(again.status == 409)
            #expect(again.problem == "email_taken")
            let login = try await client.anonymous.post(
                "/auth/login", CredentialsRequest(email: email, password: "another password"))
            #expect(login.status == 401)
        }
    }

    @Test(arguments: WorldName.selected)
    func unknownAccountsAndWrongPasswordsLookAlike(_ world: WorldName) async throws {
        try await scenario("wrong credentials", on: world) { installation in
            let client = try await Client.register(on: installation)
            let email = try #require(client.user?.email)
            for credentials in [
                CredentialsRequest(email: email, password: "not the password"),
                CredentialsRequest(email: "nobody-\(email)", password: "correct horse battery"),
                CredentialsRequest(email: "no email", password: "short"),
            ] {
                let answer = try await client.anonymous.post("/auth/login", credentials)
                #expect(answer.status == 401)
                #expect(answer.problem == "wrong_credentials")
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func credentialsAtTheirLimits(_ world: WorldName) async throws {
        try await scenario("credentials at their limits", on: world) { installation in
            let client = await Client(installation)
            let unique = installation.unique()
            let long = String(repeating: "pqwz", count: 16)
            var cases = [
                ("seven-\(unique)@example.com", "1234567", 400), ("eight-\(unique)@example.com", "xkqzwpvt", 201),
                ("common-\(unique)@example.com", "12345678", 400),
                ("long-\(unique)@example.com", long, 201), ("script-\(unique)@example.com", "пароль密碼🔑🔑", 201),
                ("over-\(unique)@example.com", String(repeating: "p", count: 5000), 400),
            ]
            let noEmails = ["", "@", "a@", "@b", "a b@c.d", "a@b@c", String(repeating: "a", count: 300) + "@b.c"]
            cases += noEmails.map { ($0, "long enough", 400) }
            for (email, password, status) in cases {
                let answer = try await client.post(
                    "/auth/register", CredentialsRequest(email: email, password: password))
                #expect(answer.status == status, "\(email) with \(password.count) characters")
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func badBodiesAreExplained(_ world: WorldName) async throws {
        try await scenario("bad bodies", on: world) { installation in
            let client = await Client(installation)
            let json = [("Content-Type", "application/json")]
            for (body, field) in [
                ("", ""), ("not json", ""), ("[]", ""), ("{}", "email"),
                (#"{"email":1,"password":"12345678"}"#, "email"),
                (#"{"email":"a@b.c"}"#, "password"), (#"{"email":"a@b.c","password":null}"#, "password"),
            ] {
                let answer = try await client.send("POST", "/auth/register", headers: json, body: Array(body.utf8))
                #expect(answer.status == 400, "\(body)")
                let problem = try answer.json(ProblemMessage.self)
                #expect(field.isEmpty || problem.detail.contains(field), "\(body): \(problem.detail)")
                #expect(problem.error == problem.detail)
                #expect(!problem.requestID.isEmpty)
            }
            let large = try await client.send(
                "POST", "/auth/register", headers: json, body: [UInt8](repeating: 0x20, count: 1 << 20))
            #expect(large.status == 413)
        }
    }
}
