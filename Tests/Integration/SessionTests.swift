import Foundation
import TestSupport
import Testing

/// Log-ins, as people with the command line have them.
@Suite(.timeLimit(.minutes(2)))
struct SessionTests {
    private func onServer(_ body: (CoreProcess) async throws -> Void) async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(dataDirectory: folder.appending(path: "data").path, port: 0)
            try await body(core)
            await core.end(with: SIGTERM)
        }
    }

    private func registered(_ core: CoreProcess) async throws -> Person {
        let person = try Person(at: core.url)
        try await person.succeeds("register", "-e", person.email, "-p", person.password)
        return person
    }

    /// The same account on another machine.
    private func another(_ person: Person, _ core: CoreProcess) async throws -> Person {
        let other = try Person(at: core.url)
        try await other.succeeds("login", "-e", person.email, "-p", person.password)
        return other
    }

    private func file(of person: Person) -> URL { person.folder.appending(path: ".config/invok/session.json") }

    /// Makes the tool believe that its token is about to expire.
    private func age(_ person: Person) throws {
        let text = try String(contentsOf: file(of: person), encoding: .utf8)
        let aged = text.replacing(/"expiresAt" : \d+/, with: "\"expiresAt\" : 0")
        #expect(aged != text)
        try person.write(aged, to: ".config/invok/session.json")
    }

    @Test func manyRunsAtOnceRenewALoginOnce() async throws {
        try await onServer { core in
            let person = try await registered(core)
            for _ in 0..<3 {
                try age(person)
                let before = try String(contentsOf: file(of: person), encoding: .utf8)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 { group.addTask { try await person.succeeds("whoami") } }
                    try await group.waitForAll()
                }
                #expect(try String(contentsOf: file(of: person), encoding: .utf8) != before)
            }
            #expect(try await person.succeeds("sessions").split(separator: "\n").count == 2)
            let mode =
                try FileManager.default.attributesOfItem(atPath: file(of: person).path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func aCopiedLoginEndsForBoth() async throws {
        try await onServer { core in
            let person = try await registered(core)
            let copy = try Data(contentsOf: file(of: person))
            for _ in 0..<2 {
                try age(person)
                try await person.succeeds("whoami")
            }
            let thief = try Person(at: core.url)
            try thief.write(copy, to: ".config/invok/session.json")
            chmod(file(of: thief).path, 0o600)
            try age(thief)
            try await thief.fails("whoami", status: 4, saying: "your login at \(core.url) has ended")
            try await person.fails("whoami", status: 4, saying: "does not accept your login")
            try await person.succeeds("login", "-e", person.email, "-p", person.password)
        }
    }

    @Test func aLogoutEndsTheLoginAtTheServer() async throws {
        try await onServer { core in
            let person = try await registered(core)
            let other = try await another(person, core)
            let copy = try Data(contentsOf: file(of: person))
            try await person.succeeds("logout")
            try await person.fails("whoami", status: 4, saying: "you are not logged in")
            try person.write(copy, to: ".config/invok/session.json")
            chmod(file(of: person).path, 0o600)
            try await person.fails("whoami", status: 4, saying: "does not accept your login")
            #expect(try await other.succeeds("sessions").contains("this one"))

            let third = try await another(person, core)
            #expect(try await third.succeeds("logout", "--all").hasSuffix(", everywhere"))
            try await other.fails("whoami", status: 4, saying: "does not accept your login")
            try await other.fails("sessions", "--end", "x", status: 64, saying: "not a session's ID")
        }
    }

    @Test func aSessionIsEndedFromAnotherMachine() async throws {
        try await onServer { core in
            let person = try await registered(core)
            let other = try await another(person, core)
            let lines = try await person.succeeds("sessions").split(separator: "\n").dropFirst()
            #expect(lines.count == 2)
            let line = try #require(lines.first { !$0.contains("this one") })
            #expect(line.contains("invok/") && line.contains("127.0.0.1"))
            let id = String(try #require(line.split(separator: " ").first))
            try await person.succeeds("sessions", "--end", id)
            try await other.fails("whoami", status: 4, saying: "does not accept your login")
            try await person.fails("sessions", "--end", id, status: 1, saying: "there is no such session")
        }
    }

    @Test func anotherPasswordEndsTheOtherLogins() async throws {
        try await onServer { core in
            let person = try await registered(core)
            let other = try await another(person, core)
            try await person.fails(
                "password", "--passwords-stdin", status: 1, saying: "the current password is wrong",
                input: "wrong wrong\nanother long one\n")
            try await person.fails(
                "password", "--passwords-stdin", status: 1, saying: "guessed first",
                input: "\(person.password)\npassword1\n")
            try await person.fails("password", status: 64, saying: "--passwords-stdin")
            try await person.fails("password", "--passwords-stdin", status: 64, saying: "two lines", input: "one\n")
            try await person.succeeds(
                "password", "--passwords-stdin", input: "\(person.password)\nanother long one\n")
            try await person.succeeds("whoami")
            try await other.fails("whoami", status: 4, saying: "does not accept your login")
            try await other.fails(
                "login", "-e", person.email, "-p", person.password, status: 1, saying: "password is wrong")
            try await other.succeeds("login", "-e", person.email, "-p", "another long one")
        }
    }

    /// Clients that know of no sessions.
    @Test func anOldClientHasOneTokenWhichCanBeTakenBack() async throws {
        try await onServer { core in
            let client = try await ServerClient.register(at: core.url)
            #expect(try await client.call("GET", "/invok/list").status == 200)
            let claims = try #require(client.token?.split(separator: ".")[1])
            let padded = claims.replacing("-", with: "+").replacing("_", with: "/")
            let json = try #require(
                Data(base64Encoded: padded + String(repeating: "=", count: (4 - padded.count % 4) % 4)))
            let times = try JSONDecoder().decode([String: Double].self, from: Self.numbers(json))
            #expect(try #require(times["exp"]) - (try #require(times["iat"])) == 168 * 3600)
            #expect(try await client.call("POST", "/auth/logout").status == 204)
            #expect(try await client.call("GET", "/invok/list").status == 401)
        }
    }

    private static func numbers(_ json: Data) throws -> Data {
        let object = try JSONSerialization.jsonObject(with: json) as? [String: Any] ?? [:]
        return try JSONSerialization.data(withJSONObject: object.filter { ["exp", "iat"].contains($0.key) })
    }
}
