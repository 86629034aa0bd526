import HTTPTypes
import Testing

@testable import InvokProxy

struct TrailerRulesTests {
    @Test(arguments: [
        ("trailers", true), ("gzip, Trailers", true), ("trailers;q=1", true), ("gzip", false), ("xtrailers", false),
    ])
    func trailersAreWantedWhereAskedFor(value: String, isWanted: Bool) {
        #expect(TrailerRules.areWanted([HTTPField.Name("TE")!: value]) == isWanted)
        #expect(!TrailerRules.areWanted([:]))
    }

    @Test func whatAHeadAloneMaySayIsLeftOut() {
        let kept = TrailerRules.allowed([
            .setCookie: "a=b", .contentLength: "9", .authorization: "x", .init("X-Invok-A")!: "1",
            .accessControlAllowOrigin: "*", .init("Server-Timing")!: "a",
        ])
        #expect(kept == [.init("Server-Timing")!: "a"])
        #expect(TrailerRules.allowed([.setCookie: "a=b"]) == nil)
    }
}
