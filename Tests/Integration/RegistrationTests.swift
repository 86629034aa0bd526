import Foundation
import TestSupport
import Testing

/// Who may make an account, as an operator sets it and sees it.
@Suite(.timeLimit(.minutes(2)))
struct RegistrationTests {
    private static let password = "correct horse battery"

    private func admin(
        _ arguments: String..., data: String, input: String? = nil, in folder: URL
    ) async throws -> CoreRun {
        try await CoreRun.run(
            ["admin"] + arguments + ["--data-dir", data], environment: ["AUTH_SCRYPT_COST": "14"], input: input,
            in: folder)
    }

    @Test func anAdminIsMadeListedAndGetsAnotherPasswordWithoutAServer() async throws {
        try await withFolder { folder in
            let data = folder.appending(path: "data").path
            let early = try await admin("list", data: data, in: folder)
            #expect(early.status == 78 && early.errors.contains("there is no database"))
            let mute = try await admin("create", "ada@example.com", data: data, in: folder)
            #expect(mute.status == 1 && mute.errors.contains("use --password-stdin"), "\(mute.errors)")
            let weak = try await admin(
                "create", "ada@example.com", "--password-stdin", data: data, input: "password1\n", in: folder)
            #expect(weak.status == 1 && weak.errors.contains("guessed first"), "\(weak.errors)")
            let wrong = try await admin("create", "ada", "--password-stdin", data: data, input: "x", in: folder)
            #expect(wrong.status == 1 && wrong.errors.contains("not an email address"), "\(wrong.errors)")
            let made = try await admin(
                "create", "ada@example.com", "--password-stdin", data: data, input: Self.password + "\n", in: folder)
            #expect(made.status == 0 && made.output.contains("invok login -e ada@example.com"), "\(made.errors)")

            let core = try await CoreProcess.start(
                dataDirectory: data, port: 0, environment: ["INVOK_TRUSTED_PROXIES": "10.0.0.1"])
            let person = try Person(at: core.url)
            try await person.succeeds(
                "login", "-e", "ada@example.com", "--password-stdin", input: Self.password + "\n")
            #expect(try await person.succeeds("whoami").contains("admin"))
            let again = try await admin("create", "ada@example.com", data: data, in: folder)
            #expect(again.status == 0 && again.output.contains("its password stays"), "\(again.errors)")
            let reset = try await admin(
                "reset-password", "ada@example.com", "--password-stdin", data: data, input: "another long one\n",
                in: folder)
            #expect(reset.status == 0, "\(reset.errors)")
            try await person.fails(
                "login", "-e", "ada@example.com", "--password-stdin", status: 1, saying: "password is wrong",
                input: Self.password + "\n")
            try await person.succeeds(
                "login", "-e", "ada@example.com", "--password-stdin", input: "another long one\n")
            let list = try await admin("list", data: data, in: folder)
            #expect(list.output.hasPrefix("ada@example.com\tadmin\t"), "\(list.output)")
            let nobody = try await admin("reset-password", "eve@example.com", data: data, in: folder)
            #expect(nobody.status != 0 && nobody.errors.contains("there is no user 'eve@example.com'"))
            await core.end(with: SIGTERM)
        }
    }

    @Test func whereOthersReachTheServerOneComesByTheSetupCodeAndTheRestByInvitation() async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(
                dataDirectory: folder.appending(path: "data").path, port: 0,
                environment: ["INVOK_TRUSTED_PROXIES": "10.0.0.1", "INVOK_SETUP_CODE": "a code of the operator"])
            let (ada, bob) = (try Person(at: core.url), try Person(at: core.url))
            let input = Self.password + "\n"
            try await ada.fails(
                "register", "-e", "ada@example.com", "--password-stdin", status: 1, saying: "INVOK_SETUP_CODE",
                input: input)
            try await ada.succeeds(
                "register", "-e", "ada@example.com", "--password-stdin", "--code", "A CODE of the operator",
                input: input)
            try await bob.fails(
                "register", "-e", "bob@example.com", "--password-stdin", "--code", "a code of the operator", status: 1,
                saying: "the invitation is not good", input: input)
            for name in ["ada", "bob"] {
                try await bob.fails(
                    "register", "-e", "\(name)@example.com", "--password-stdin", status: 1,
                    saying: "register with its code: 'invok register --code CODE'", input: input)
            }
            let code = try await ada.succeeds("invite", "create", "--role", "viewer", "--expires", "1h")
            #expect(code.count == 19)
            #expect(try await ada.succeeds("invite", "list").contains("viewer"))
            try await bob.succeeds(
                "register", "-e", "bob@example.com", "--password-stdin", "--code", code, input: input)
            #expect(try await bob.succeeds("whoami").contains("viewer"))
            try await bob.fails("invite", "create", status: 1, saying: "only admins invite people")
            try await ada.succeeds("invite", "create")
            let id = try #require(
                try await ada.succeeds("invite", "list").split(separator: "\n").last?.split(separator: " ").first)
            try await ada.succeeds("invite", "revoke", String(id))
            try await ada.fails("invite", "revoke", String(id), status: 1, saying: "there is no such invitation")
            try await ada.fails("invite", "revoke", "x", status: 64, saying: "not an invitation's ID")
            await core.end(with: SIGTERM)
        }
    }
}
