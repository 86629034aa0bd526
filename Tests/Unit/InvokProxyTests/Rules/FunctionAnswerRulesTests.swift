import HTTPTypes
import Testing

@testable import InvokProxy

struct FunctionAnswerRulesTests {
    private let shared = FunctionAnswerRules(path: "/invok/u/f")
    private let own = FunctionAnswerRules(path: nil)

    private func fields(_ pairs: [(String, String)]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { fields.append(HTTPField(name: .init(name)!, value: value)) }
        return fields
    }

    @Test(arguments: [
        "Service-Worker-Allowed", "Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "NEL", "Report-To",
        "Public-Key-Pins", "X-Invok-Anything", "x-invok-request-id", "Server",
    ])
    func whatSpeaksForMoreThanTheFunctionIsTaken(name: String) {
        for rules in [shared, own] {
            #expect(rules.apply(to: fields([(name, "x"), ("X-Mine", "y")])).fields == fields([("X-Mine", "y")]))
        }
    }

    @Test func theRestIsItsOwnAffair() {
        let given = fields([
            ("Access-Control-Allow-Origin", "https://a"), ("Vary", "Origin"), ("Location", "/x"), ("Refresh", "0"),
        ])
        #expect(shared.apply(to: given).fields == given)
    }

    @Test(arguments: [
        ("a=b", "a=b; Path=/invok/u/f"), ("a=b; Path=/", "a=b; Path=/invok/u/f"),
        ("a=b; path=/invok/u/f/sub; Secure", "a=b; Secure; Path=/invok/u/f/sub"),
        ("a=b; Path=/invok/u/f", "a=b; Path=/invok/u/f"), ("a=b; Path=/invok/u/fun", "a=b; Path=/invok/u/f"),
        ("a=b; Path=/invok/u/f; Path=/", "a=b; Path=/invok/u/f"), ("a=b; path", "a=b; Path=/invok/u/f"),
        ("a=b; Domain=example.com; HttpOnly", "a=b; HttpOnly; Path=/invok/u/f"),
        ("a=b;DOMAIN = x;SameSite=Lax", "a=b; SameSite=Lax; Path=/invok/u/f"),
        ("__Secure-a=b; Secure", "__Secure-a=b; Secure; Path=/invok/u/f"),
    ])
    func aCookieIsTheFunctionsAlone(given: String, sent: String) {
        let result = shared.apply(to: fields([("Set-Cookie", given), ("Set-Cookie", "c=d")]))
        #expect(result.fields[values: .setCookie] == [sent, "c=d; Path=/invok/u/f"] && result.droppedCookies.isEmpty)
    }

    @Test(arguments: ["__Host-a=b; Secure; Path=/", "__host-a=b", "__HOST-x"])
    func aCookieOfTheWholeHostIsDropped(cookie: String) {
        let result = shared.apply(to: fields([("Set-Cookie", cookie), ("Set-Cookie", "c=d")]))
        #expect(result.fields[values: .setCookie] == ["c=d; Path=/invok/u/f"] && result.droppedCookies.count == 1)
        #expect(own.apply(to: fields([("Set-Cookie", cookie)])).fields[values: .setCookie] == [cookie])
    }

    @Test func onAHostOfItsOwnOnlyTheDomainIsTaken() {
        let result = own.apply(to: fields([("Set-Cookie", "a=b; Domain=functions.example; Path=/x")]))
        #expect(result.fields[values: .setCookie] == ["a=b; Path=/x"])
    }
}
