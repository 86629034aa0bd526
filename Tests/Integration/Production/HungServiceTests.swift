import Foundation
import Invok
import TestSupport
import Testing

/// A service that hangs, of which nothing says that it is away, costs warm calls nothing.
@Suite(.serialized, .enabled(if: Services.areSelected), .timeLimit(.minutes(5)))
struct HungServiceTests {
    /// Longer than a core believes anything without having it read again.
    private static let hanging = Duration.seconds(12)
    /// Far more than a warm call takes on a machine with much else to do, and less than any wait for that server.
    private static let limits = ["postgres": Duration.seconds(3), "redis": .milliseconds(900)]

    /// Calls everything that is warm, on each core, as long as the service hangs.
    /// - Returns: the slowest call.
    private func call(_ owners: [ServerClient], of functions: (private: String, public: String)) async throws
        -> Duration
    {
        let clock = ContinuousClock()
        let end = clock.now + Self.hanging
        var slowest = Duration.zero
        func timed(_ call: () async throws -> ServerClient.Answer) async throws -> ServerClient.Answer {
            let began = clock.now
            let answer = try await call()
            slowest = max(slowest, began.duration(to: clock.now))
            return answer
        }
        while clock.now < end {
            for owner in owners {
                let nobody = owner.with(token: nil)
                #expect(try await timed { try await owner.call("GET", owner.path(functions.private)) }.text == "one")
                #expect(try await timed { try await nobody.call("GET", owner.path(functions.public)) }.text == "two")
                #expect(try await timed { try await nobody.call("GET", owner.path(functions.private)) }.status == 401)
                #expect(try await timed { try await nobody.call("GET", owner.path("unknown")) }.status == 401)
                #expect(try await timed { try await nobody.call("GET", "/readyz") }.status == 200)
            }
        }
        return slowest
    }

    private func deploy(_ first: ServerClient, _ second: ServerClient) async throws -> (private: String, public: String)
    {
        #expect(try await first.deploy("one", source: ServerClient.saying("one")).status == 200)
        #expect(try await first.deploy("two", source: ServerClient.saying("two")).status == 200)
        let opened = try await first.call(
            "PUT", first.path("two").replacing("/invok/", with: "/api/v1/functions/"), type: "application/json",
            body: Array(#"{"access":"public","limits":{"ratePerCaller":0}}"#.utf8))
        #expect(opened.status == 200, "\(opened.text)")
        let nobody = second.with(token: nil)
        // Anonymous, so that the second core never sees its owner before the service hangs.
        try await eventually("the other core has both") {
            let hasPublic = try await nobody.says("two") == "two"
            return hasPublic
        }
        try await eventually("its instance is warm") { try await second.says("one") == "one" }
        return ("one", "two")
    }

    @Test func aStoppedPostgreSQL() async throws {
        try await TwoCores.with { cores in
            let (first, second) = try await cores.person()
            let functions = try await deploy(first, second)
            try await cores.services.freeze("postgres")
            #expect(try await call([first, second], of: functions) < #require(Self.limits["postgres"]))
            try await eventually("it is said") {
                try await first.call("GET", "/readyz").text.contains(#""store":"unavailable""#)
            }
            let began = ContinuousClock.now
            for answer in [
                try await first.call("GET", "/invok/list"),
                try await second.deploy("three", source: ServerClient.hello),
            ] {
                #expect(answer.status == 503, "\(answer.text)")
                #expect((1...60).contains(answer.retryAfterSeconds ?? 0))
            }
            #expect(began.duration(to: .now) < .seconds(60))
            try await cores.services.thaw("postgres")
            try await eventually("it is back", within: .seconds(60)) {
                try await first.deploy("three", source: ServerClient.hello).status == 200
            }
            // Who is disabled is turned away soon, though nobody was told.
            try await Services.sql("UPDATE invok_user SET is_disabled = true", in: cores.services.databaseURL)
            try await eventually("the owner is turned away", within: .seconds(15)) {
                var statuses: [Int] = []
                for owner in [first, second] { statuses.append(try await owner.call("GET", owner.path("one")).status) }
                return statuses == [401, 401]
            }
        }
    }

    @Test func aStoppedRedis() async throws {
        try await TwoCores.with { cores in
            let (first, second) = try await cores.person()
            let functions = try await deploy(first, second)
            try await cores.services.freeze("redis")
            #expect(try await call([first, second], of: functions) < #require(Self.limits["redis"]))
            #expect(try await first.deploy("three", source: ServerClient.hello).status == 200)
            #expect(try await first.call("GET", "/invok/list").status == 200)
            try await cores.services.thaw("redis")
        }
    }

    @Test func aPostgreSQLWhosePacketsGetLost() async throws {
        try await OwnServices.with("postgres", "redis") { services in
            var url = try #require(URLComponents(string: services.databaseURL))
            try await SilentProxy.with(to: try #require(url.port)) { proxy, port in
                url.port = port
                let settings = [
                    "DATABASE_URL": try #require(url.string), "REDIS_URL": services.redisURL,
                    "AUTH_JWT_SECRET": TwoCores.secret, "INVOK_SECRETS_KEY": TwoCores.secret,
                ]
                try await withFolder { folder in
                    let core = try await CoreProcess.start(dataDirectory: folder.path, port: 0, environment: settings)
                    do {
                        let owner = try await ServerClient.register(at: core.url)
                        let functions = try await deploy(owner, owner)
                        proxy.setSilent(true)
                        #expect(try await call([owner], of: functions) < #require(Self.limits["postgres"]))
                        proxy.setSilent(false)
                        try await eventually("it is back", within: .seconds(60)) {
                            try await owner.deploy("three", source: ServerClient.hello).status == 200
                        }
                    } catch {
                        await core.end(with: SIGTERM)
                        throw error
                    }
                    await core.end(with: SIGTERM)
                }
            }
        }
    }
}
