import Foundation
import Invok
import TestSupport
import Testing

@Suite(.seeded)
struct SecretScenarios {
    private func set(
        _ client: Client, _ name: String, _ value: String, of function: String? = nil, query: String = ""
    ) async throws -> Answer {
        let path = function.map { client.api($0, "/secrets/\(name)") } ?? "/api/v1/secrets/\(client.namespace)/\(name)"
        return try await client.put(path + query, SecretUpdate(value: value))
    }

    private func log(_ client: Client, _ name: String) async throws -> [String] {
        try await client.get(client.api(name, "/logs")).json([LogMessage].self).map(\.text)
    }

    @Test(arguments: WorldName.selected)
    func aSecretGoesInAndComesOutInTheFunctionAlone(_ world: WorldName) async throws {
        try await scenario("a secret as a variable", on: world) { installation in
            let client = try await Client.register(on: installation)
            let missing = try await client.deploy(.secret("hello", "TOKEN"))
            #expect(missing.status == 400 && missing.problem == "invalid_config")
            #expect(missing.text.contains("invok secret set TOKEN -n hello"))
            let answer = try await set(client, "TOKEN", "planted-77ab")
            #expect(answer.status == 200, "\(answer.text)")
            try await client.deployed(.secret("hello", "TOKEN"))
            #expect(try await client.get(client.path("hello")).text == "planted-77ab")

            let list = try await client.get("/api/v1/secrets/\(client.namespace)")
            #expect(try list.json([SecretMessage].self).map(\.name) == ["TOKEN"])
            let function = try await client.get(client.api("hello"))
            #expect(try function.json(FunctionMessage.self).secrets == ["TOKEN"])
            for text in [answer.text, list.text, function.text] { #expect(!text.contains("planted")) }
            try await eventually(on: installation, "what it printed is in its log") {
                try await log(client, "hello").contains { $0.hasSuffix("***") }
            }
            #expect(try await !log(client, "hello").contains { $0.contains("planted") })
        }
    }

    @Test(arguments: WorldName.selected)
    func aSecretIsAFileThatOnlyTheFunctionReads(_ world: WorldName) async throws {
        try await scenario("a secret as a file", on: world) { installation in
            let client = try await Client.register(on: installation)
            // Of the largest size, and of several lines.
            let value = "-----BEGIN-----\n" + String(repeating: "0123456789abcde\n", count: 1023)
            #expect(value.utf8.count == 16_384)
            #expect(try await set(client, "KEY", value).status == 200)
            #expect(try await set(client, "KEY", value + "x").problem == "invalid_request")
            try await client.deployed(.secretFile("files", "KEY"))
            #expect(try await client.get(client.path("files")).text == value)
        }
    }

    @Test(arguments: WorldName.selected)
    func aChangeReachesTheNextInstanceAndARestartLosesNothing(_ world: WorldName) async throws {
        try await scenario("secrets change under load", on: world) { installation in
            let client = try await Client.register(on: installation)
            #expect(try await set(client, "TOKEN", "first-value").status == 200)
            try await client.deployed(.secret("busy", "TOKEN"))
            #expect(try await set(client, "TOKEN", "second-value").status == 200)
            #expect(try await client.get(client.path("busy")).text == "first-value", "who runs keeps it")
            let answers = try await client.callsFrom(2, to: "busy") {
                for value in ["third-value", "fourth-value"] {
                    let answer = try await set(client, "TOKEN", value, of: "busy", query: "?restart=true")
                    #expect(try answer.json(SecretMessage.self).restarted == ["busy"])
                    try await eventually(on: installation, "the new value answers") {
                        try await client.get(client.path("busy")).text == value
                    }
                }
            }
            #expect(Set(answers.keys).isSubset(of: ["first-value", "third-value", "fourth-value"]), "\(answers)")
            try await eventually(on: installation, "the old instances are gone") {
                try await client.status(of: "busy").instances == 1
            }
            let versions = try await client.get(client.api("busy", "/versions")).json([VersionMessage].self)
            #expect(versions.map(\.number) == [1], "no new version")
            // Without its own it has the namespace's again.
            #expect(try await client.delete(client.api("busy", "/secrets/TOKEN")).status == 204)
            #expect(try await client.post(client.api("busy", "/restart"), [String: String]()).status == 204)
            try await eventually(on: installation, "the namespace's value answers") {
                try await client.get(client.path("busy")).text == "second-value"
            }
            let needed = try await client.delete("/api/v1/secrets/\(client.namespace)/TOKEN")
            #expect(needed.status == 409 && needed.text.contains("busy"))
        }
    }

    @Test(arguments: WorldName.own)
    func whoseASecretIsCountsAcrossACrash(_ world: WorldName) async throws {
        try await isolatedScenario("secrets of two users, and a crash", on: world) { installation in
            let (anna, bert) = (
                try await Client.register(on: installation), try await Client.register(on: installation)
            )
            for (client, value) in [(anna, "value-of-anna"), (bert, "value-of-bert")] {
                #expect(try await set(client, "TOKEN", value).status == 200)
                try await client.deployed(.secret("mine", "TOKEN"))
            }
            try await installation.crashAndRestart()
            for (client, value) in [(anna, "value-of-anna"), (bert, "value-of-bert")] {
                #expect(try await client.get(client.path("mine")).text == value)
                try await eventually(on: installation, "what it printed after the crash is in its log") {
                    try await log(client, "mine").contains { $0.hasSuffix("***") }
                }
                #expect(try await !log(client, "mine").contains { $0.contains("value-of") })
            }
            // With the function its own go, and a new one of the name finds none.
            #expect(try await set(anna, "OWN", "value-of-one", of: "mine").status == 200)
            #expect(try await anna.delete(anna.api("mine")).status == 204)
            #expect(
                try await anna.get("/api/v1/secrets/\(anna.namespace)").json([SecretMessage].self).map(\.name)
                    == ["TOKEN"])
        }
    }
}
