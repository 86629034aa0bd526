import HTTPTypes
import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct QuotasTests {
    @Test func overridesHoldOnceTheyAreReadAndWhileTheStoreIsAway() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.functions: 5, .builds: 6]) }
        let (owner, other) = (try await rig.user(), try await rig.user("other"))
        try await rig.sim.store.setQuota(.functions, of: owner.user.id, to: 9)
        #expect(rig.quotas.quota(of: owner.user.id)[.functions] == 5)
        try await rig.system.recover()
        rig.store.isAway = true
        await #expect(throws: StoreError.self) { try await rig.quotas.refresh() }
        #expect(rig.quotas.quota(of: owner.user.id)[.functions] == 9)
        #expect(rig.quotas.quota(of: owner.user.id)[.builds] == 6)
        #expect(rig.quotas.quota(of: other.user.id)[.functions] == 5)
    }

    @Test func theOnlyUserIsFreeUntilThereIsAnother() async throws {
        let rig = Rig { _, settings in settings.freesOnlyUser = true }
        let first = try await rig.user()
        try await rig.sim.store.setQuota(.builds, of: first.user.id, to: 1)
        try await rig.quotas.refresh()
        #expect(rig.quotas.quota(of: first.user.id)[.functions] == Quota.unlimited)
        // What an operator has set for the user holds all the same.
        #expect(rig.quotas.quota(of: first.user.id)[.builds] == 1)
        let second = try await rig.user("second")
        #expect(rig.quotas.quota(of: second.user.id) == Quota())
        try await rig.quotas.refresh()
        #expect(rig.quotas.quota(of: first.user.id)[.functions] == Quota.Name.functions.standard)
    }

    @Test func elsewhereTheOnlyUserIsBound() async throws {
        let rig = Rig()
        let first = try await rig.user()
        try await rig.quotas.refresh()
        #expect(rig.quotas.quota(of: first.user.id) == Quota())
    }

    @Test func requestsBeyondTheRateAreTurnedAway() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.invocationsPerSecond: 2]) }
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello", access: "public", as: owner)
            for _ in 0..<2 { #expect(try await rig.invoke(key).head?.status == .ok) }
            let error = await #expect(throws: InvokError.self) { try await rig.invoke(key) }
            #expect(error?.code == .tooManyRequests && error?.retryAfterSeconds == 1)
            #expect(error?.quota == QuotaExcess(.invocationsPerSecond, value: 2, used: 2))
            rig.sim.clock.advance(by: .milliseconds(500))
            #expect(try await rig.invoke(key).head?.status == .ok)
        }
    }

    @Test func aStrangersRequestsAreCountedByAddress() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.invocationsPerSecond: 100]) }
        let (owner, other) = (try await rig.user(), try await rig.user("other"))
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello", limits: #"{"ratePerCaller":2}"#, access: "public", as: owner)
            // Two seconds' worth at once.
            for _ in 0..<4 { #expect(try await rig.invoke(key, from: "192.0.2.1").text == "hello") }
            // Far more than the owner's quota.
            for _ in 0..<200 {
                let error = await #expect(throws: InvokError.self) { try await rig.invoke(key, from: "192.0.2.1") }
                #expect(error?.code == .tooManyRequests && error?.retryAfterSeconds == 1 && error?.quota == nil)
                #expect(error?.message.contains("'limits.ratePerCaller' is 2") == true)
            }
            #expect(await code { try await rig.invoke(key, token: "forged", from: "192.0.2.1") } == .tooManyRequests)
            #expect(try await rig.invoke(key, from: "192.0.2.2").text == "hello", "another's")
            // Who has an account is held by the owner's quota alone, and so is an address of many.
            let tokens = [try await rig.token(owner), try await rig.token(other)]
            for _ in 0..<5 {
                for token in tokens {
                    #expect(try await rig.invoke(key, token: token, from: "192.0.2.1").text == "hello")
                    let apart: HTTPFields = [ForwardedHead.tokenHeader: token]
                    #expect(try await rig.invoke(key, fields: apart, from: "192.0.2.1").text == "hello")
                }
                #expect(try await rig.invoke(key).text == "hello")
            }
            rig.sim.clock.advance(by: .milliseconds(500))
            #expect(try await rig.invoke(key, from: "192.0.2.1").text == "hello")
            #expect(await code { try await rig.invoke(key, from: "192.0.2.1") } == .tooManyRequests)
        }
    }

    @Test func aFunctionMayTakeWhatStrangersLike() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello", limits: #"{"ratePerCaller":0}"#, access: "public", as: owner)
            for _ in 0..<300 { #expect(try await rig.invoke(rig.key(owner), from: "192.0.2.1").text == "hello") }
        }
    }

    @Test func deploysBeyondTheRateAreTurnedAway() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.deploysPerHour: 2]) }
        let (owner, other) = (try await rig.user(), try await rig.user("other"))
        try await rig.running {
            try await rig.deploy("hello", as: owner)
            _ = try await rig.deployments.update(rig.key(owner), FunctionUpdate(access: .public), as: owner)
            _ = try await rig.deployments.update(rig.key(owner), FunctionUpdate(env: ["A": "1"]), as: owner)
            let error = await #expect(throws: InvokError.self) { try await rig.deploy("hello two", as: owner) }
            #expect(error?.code == .tooManyRequests && error?.quota?.name == .deploysPerHour)
            try await rig.deploy("hello", as: other)
        }
    }

    @Test func whoRegistersFirstIsFreeAtOnce() async throws {
        let rig = Rig { _, settings in settings.freesOnlyUser = true }
        let first = try await rig.accounts.register(
            email: "first@example.com", password: "correct horse", client: "127.0.0.1")
        #expect(rig.quotas.quota(of: first.user.id)[.instances] == Quota.unlimited)
        _ = try await rig.accounts.register(
            email: "second@example.com", password: "correct horse", client: "127.0.0.1")
        #expect(rig.quotas.quota(of: first.user.id)[.instances] == Quota.Name.instances.standard)
    }
}
