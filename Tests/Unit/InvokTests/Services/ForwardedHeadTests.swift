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
        #expect(head.headerFields[ForwardedHead.targetHeader] == "/hello\(rest)")
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
    func aBearerTokenIsRead(value: String, token: String?) throws {
        #expect(try ForwardedHead.Tokens(in: [.authorization: value]).bearers == [token].compactMap(\.self))
        #expect(try ForwardedHead.Tokens(in: [.authorization: value]).platform == token)
    }

    @Test func thePlatformsOwnHeaderWins() throws {
        let fields: HTTPFields = [ForwardedHead.tokenHeader: "a", .authorization: "Bearer b"]
        #expect(try ForwardedHead.Tokens(in: fields).platform == "a")
    }

    @Test func amongSeveralTokensNoneIsTheCallersAndAllAreSeen() throws {
        var fields: HTTPFields = [.authorization: "Basic x, Bearer a"]
        fields.append(HTTPField(name: .authorization, value: "Bearer b"))
        #expect(try ForwardedHead.Tokens(in: fields).platform == nil)
        #expect(try ForwardedHead.Tokens(in: fields).bearers == ["a", "b"])
        fields.append(HTTPField(name: .authorization, value: "bearer c"))
        #expect(throws: InvokError.self) { try ForwardedHead.Tokens(in: fields) }
        let many = Array(repeating: "Bearer a", count: 5000).joined(separator: ",")
        #expect(throws: InvokError.self) { try ForwardedHead.Tokens(in: [.authorization: many]) }
    }

    @Test(arguments: ["x_invok_user", "X_Invok_Request_Id", "content_length", "my_own", "x-forwarded_for"])
    func namesThatFoldOntoOthersAreLeftOut(name: String) throws {
        let field = try #require(HTTPField.Name(name))
        #expect(
            try make([field: "1", .accept: "a"]).headerFields.map(\.name.canonicalName) == [
                "accept", "x-invok-target", "x-invok-request-id",
            ])
    }

    @Test func severalCookieLinesAreOne() throws {
        var fields: HTTPFields = [.cookie: "a=1", .accept: "*/*"]
        fields.append(HTTPField(name: .cookie, value: "b=2; c=3"))
        #expect(try make(fields).headerFields[values: .cookie] == ["a=1; b=2; c=3"])
        #expect(try make([.accept: "*/*"]).headerFields[values: .cookie].isEmpty)
    }
}
