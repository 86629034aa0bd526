import Foundation
import Invok
import TestSupport
import Testing

/// What several servers on one database are to their users: one.
@Suite(.enabled(if: Services.areSelected), .serialized, .timeLimit(.minutes(5)))
struct TwoCoresTests {
    /// Far from the half minute after which a server looks by itself.
    private static let soon = Duration.seconds(5)

    @Test func whatOneDeploysTheOtherServesAndFollows() async throws {
        try await TwoCores.with { cores in
            let (first, second) = try await cores.person()
            #expect(try await first.deploy("hello", source: ServerClient.saying("one")).status == 200)
            // Its machine has no bundle of it: it builds from the shared archive.
            #expect(try await second.says("hello") == "one")

            #expect(try await first.deploy("hello", source: ServerClient.saying("two")).status == 200)
            let deployed = ContinuousClock.now
            try await eventually("the other follows a deploy", within: Self.soon) {
                try await second.says("hello") == "two"
            }
            print("Figure: a deploy was served by the other core after \(deployed.duration(to: .now))")

            let rollback = try await second.call(
                "POST", "/api/v1/functions/\(second.namespace)/hello/rollback", type: "application/json",
                body: Array("{}".utf8))
            #expect(rollback.status == 200, "\(rollback.text)")
            let rolledBack = ContinuousClock.now
            try await eventually("the other follows a rollback", within: Self.soon) {
                try await first.says("hello") == "one"
            }
            print("Figure: a rollback was served by the other core after \(rolledBack.duration(to: .now))")

            #expect(try await first.call("DELETE", "/api/v1/functions/\(first.namespace)/hello").status == 204)
            try await eventually("the other follows a removal", within: Self.soon) {
                try await second.says("hello") == "status 404"
            }
        }
    }

    /// Each has containers of its own, and neither it nor a third one that starts removes another's.
    @Test func eachRunsAFunctionOnTheSameDocker() async throws {
        let docker = ["INVOK_ENGINE": "docker", "DOCKER_HOST": try Services.dockerHost()]
        try await TwoCores.with(docker) { cores in
            let (first, second) = try await cores.person()
            func containers() async throws -> Set<String> {
                let found = try await Services.run(
                    "docker", ["ps", "-q", "--filter", "label=invok.namespace=\(first.namespace)"])
                return Set(found.split(separator: "\n").map(String.init))
            }
            do {
                #expect(try await first.deploy("hello", source: ServerClient.saying("one")).status == 200)
                #expect(try await second.says("hello") == "one")
                let running = try await containers()
                #expect(running.count == 2)
                try await withFolder { folder in
                    let third = try await CoreProcess.start(
                        dataDirectory: folder.path, port: 0,
                        environment: docker.merging([
                            "DATABASE_URL": cores.services.databaseURL, "REDIS_URL": cores.services.redisURL,
                            "AUTH_JWT_SECRET": TwoCores.secret, "INVOK_SECRETS_KEY": TwoCores.secret,
                        ]) { $1 })
                    let client = ServerClient(url: third.url, namespace: first.namespace, token: first.token)
                    let said = try? await client.says("hello")
                    await third.end(with: SIGTERM)
                    #expect(said == "one")
                }
                #expect(try await containers().isSuperset(of: running))
                for client in [first, second] { #expect(try await client.says("hello") == "one") }
            } catch {
                for container in try await containers() { try await Services.run("docker", ["rm", "-f", container]) }
                throw error
            }
            for container in try await containers() { try await Services.run("docker", ["rm", "-f", container]) }
        }
    }

    @Test func ofDeploysAtOnceOneWinsAndBothAreToldTheTruth() async throws {
        try await TwoCores.with { cores in
            let (first, second) = try await cores.person()
            for round in 1...4 {
                async let one = first.deploy("hello", source: ServerClient.saying("a\(round)"))
                async let other = second.deploy("hello", source: ServerClient.saying("b\(round)"))
                let answers = try await [("a\(round)", one), ("b\(round)", other)]
                for (_, answer) in answers { #expect([200, 409].contains(answer.status), "\(answer.text)") }
                // Both, when the second one began behind the end of the first.
                let deployed = try answers.filter { $0.1.status == 200 }.map { (text, answer) in
                    (text, try first.decoded(DeployResponse.self, answer).version)
                }
                let winner = try #require(deployed.max { $0.1 < $1.1 })
                for client in [first, second] {
                    let function = try await client.decoded(
                        FunctionMessage.self, client.call("GET", "/api/v1/functions/\(client.namespace)/hello"))
                    #expect(function.activeVersion == winner.1)
                    try await eventually("the winner answers", within: Self.soon) {
                        try await client.says("hello") == winner.0
                    }
                }
            }
        }
    }

    @Test func attemptsAreCountedTogether() async throws {
        try await TwoCores.with(["AUTH_ATTEMPTS_PER_ADDRESS": "6"]) { cores in
            let body = Array(#"{"email":"nobody@example.com","password":"wrong password"}"#.utf8)
            var statuses: [Int] = []
            for attempt in 0..<8 {
                let url = attempt.isMultiple(of: 2) ? cores.first.url : cores.second.url
                let nobody = ServerClient(url: url, namespace: "", token: nil)
                let answer = try await nobody.call("POST", "/auth/login", type: "application/json", body: body)
                statuses.append(answer.status)
            }
            #expect(statuses == Array(repeating: 401, count: 6) + [429, 429])
        }
    }

    @Test func withoutRedisBothServeOn() async throws {
        try await TwoCores.with(["LOG_LEVEL": "info"]) { cores in
            let (first, second) = try await cores.person()
            #expect(try await first.deploy("hello", source: ServerClient.saying("one")).status == 200)
            #expect(try await second.says("hello") == "one")
            try await cores.services.stop("redis")
            try await eventually("it is said") {
                let ready = try await second.call("GET", "/readyz")
                return ready.status == 200 && ready.text.contains("degraded")
            }
            for _ in 0..<10 { #expect(try await second.call("GET", "/readyz").status == 200) }
            // A deploy, a log-in and calls need no cache.
            #expect(try await first.deploy("hello", source: ServerClient.saying("two")).status == 200)
            #expect(try await first.says("hello") == "two")
            _ = try await ServerClient.register(at: cores.second.url)
            try await cores.services.start("redis")
            try await eventually("it is back") {
                try await second.call("GET", "/readyz").text.contains(#""status":"ok""#)
            }
            // Its listener may come back a little later than the rest.
            let began = ContinuousClock.now
            try await eventually("changes are told again", within: Self.soon * 3) {
                let text = UUID().uuidString
                #expect(try await first.deploy("hello", source: ServerClient.saying(text)).status == 200)
                for _ in 0..<20 where try await second.says("hello") == text { return true }
                return false
            }
            print("Figure: changes were told again \(began.duration(to: .now)) after Redis was back")
            let lines = cores.second.errors.split(separator: "\n")
            #expect(lines.count { $0.contains("Redis cannot be reached") } == 1)
            #expect(lines.count { $0.contains("Redis can be reached again") } == 1)
        }
    }

    @Test func withoutPostgreSQLWarmFunctionsAnswerAndTheRestComesBack() async throws {
        try await TwoCores.with { cores in
            let (first, second) = try await cores.person()
            let deployed = try await first.deploy("hello", source: ServerClient.saying("one"))
            #expect(deployed.status == 200)
            let made = try await first.call(
                "PUT", "/api/v1/functions/\(first.namespace)/hello", type: "application/json",
                body: Array(#"{"access":"public"}"#.utf8))
            #expect(made.status == 200, "\(made.text)")
            let anybody = [first.with(token: nil), second.with(token: nil)]
            for client in anybody {
                try await eventually("it is public", within: Self.soon) { try await client.says("hello") == "one" }
            }
            try await cores.services.stop("postgres")
            for _ in 0..<50 {
                for client in anybody { #expect(try await client.says("hello") == "one") }
            }
            let began = ContinuousClock.now
            for answer in [
                try await first.call("GET", "/invok/list"), try await first.call("GET", "/api/v1/functions"),
                try await first.deploy("hello", source: ServerClient.saying("two")),
                try await first.call("DELETE", "/api/v1/functions/\(first.namespace)/hello"),
            ] {
                #expect(answer.status == 503, "\(answer.text)")
                #expect((1...60).contains(answer.retryAfterSeconds ?? 0))
            }
            // A load balancer shall not take away what still answers.
            try await eventually("it is said that the store is away") {
                let ready = try await first.call("GET", "/readyz")
                #expect(ready.status == 200)
                let away = #"{"parts":{"cache":"ok","engine":"ok","store":"unavailable"},"status":"degraded"}"#
                return ready.text == away
            }
            #expect(began.duration(to: .now) < .seconds(10))
            try await cores.services.start("postgres")
            try await eventually("it is back") { try await second.call("GET", "/invok/list").status == 200 }
            #expect(try await second.deploy("hello", source: ServerClient.saying("three")).status == 200)
            try await eventually("the other follows", within: Self.soon) {
                try await anybody[0].says("hello") == "three"
            }
        }
    }
}
