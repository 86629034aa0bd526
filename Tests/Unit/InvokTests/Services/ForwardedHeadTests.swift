import HTTPTypes
import Testing

@testable import Invok

struct ForwardedHeadTests {
    private func make(_ fields: HTTPFields, rest: String = "", drops: Bool = false) throws -> HTTPRequest {
        let head = HTTPRequest(method: .put, scheme: "http", authority: "a", path: "/invok/x", headerFields: fields)
        return ForwardedHead.make(
            head, name: try FunctionName("hello"), rest: rest, requestID: "id-1", dropsAuthorization: drops)
    }

    @Test(arguments: ["", "/", "/a/b?q=1", "?q=1", "/a%2Fb//c"]) func thePathIsTheFunctionsOwn(rest: String) throws {
        let head = try make([:], rest: rest)
        #expect(head.path == "/hello\(rest)")
        #expect(head.method == .put)
    }

    @Test func thePlatformsHeadersAreItsOwn() throws {
        let token = try #require(HTTPField.Name("x-INVOK-token"))
        let forged = try #require(HTTPField.Name("X-Invok-Request-Id"))
        let head = try make([token: "t", forged: "forged", .accept: "*/*", .authorization: "Basic x"])
        #expect(head.headerFields[token] == nil)
        #expect(head.headerFields[values: forged] == ["id-1"])
        #expect(head.headerFields[.accept] == "*/*")
        #expect(head.headerFields[.authorization] == "Basic x")
        #expect(try make([.authorization: "Bearer t"], drops: true).headerFields[.authorization] == nil)
    }

    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer  abc", "abc"), ("BEARER\tabc", "abc"), ("Bearer", nil), ("Bearer a b", nil),
        ("Basic abc", nil), ("", nil),
    ])
    func aBearerTokenIsRead(value: String, token: String?) {
        #expect(ForwardedHead.Tokens(in: [.authorization: value]).bearers == [token].compactMap(\.self))
        #expect(ForwardedHead.Tokens(in: [.authorization: value]).platform == token)
    }

    @Test func thePlatformsOwnHeaderWins() {
        let fields: HTTPFields = [ForwardedHead.tokenHeader: "a", .authorization: "Bearer b"]
        #expect(ForwardedHead.Tokens(in: fields).platform == "a")
    }

    @Test func amongSeveralTokensNoneIsTheCallersAndAllAreSeen() {
        var fields: HTTPFields = [.authorization: "Bearer a"]
        fields.append(HTTPField(name: .authorization, value: "Bearer b, Bearer c"))
        #expect(ForwardedHead.Tokens(in: fields).platform == nil)
        #expect(ForwardedHead.Tokens(in: fields).bearers == ["a", "b", "c"])
    }
}
