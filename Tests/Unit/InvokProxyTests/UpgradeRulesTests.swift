import HTTPTypes
import Testing

@testable import InvokProxy

struct UpgradeRulesTests {
    private static func bytes(_ texts: [String]) -> [ArraySlice<UInt8>] { texts.map { Array($0.utf8)[...] } }

    @Test(arguments: [
        (["websocket"], ["Upgrade"], "websocket"), (["WebSocket"], ["keep-alive, UPGRADE"], "WebSocket"),
        (["a/1, b"], ["x", "upgrade"], "a/1, b"), (["a", " b ,, c"], ["upgrade"], "a, b, c"),
        (["websocket"], ["keep-alive"], nil), (["websocket"], [], nil), ([], ["upgrade"], nil),
        ([""], ["upgrade"], nil),
        (["a b"], ["upgrade"], nil), (["a/"], ["upgrade"], nil), (["/1"], ["upgrade"], nil),
        (["a/b/c"], ["upgrade"], nil),
        (["a;b"], ["upgrade"], nil),
    ])
    func whatIsOffered(upgrade: [String], connection: [String], offer: String?) {
        let found = UpgradeRules.offer(Self.bytes(upgrade), connection: Self.bytes(connection))
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == offer)
    }

    /// Requests in a tunnel would pass by every rule of the gateway.
    @Test(arguments: ["h2c", "H2C", "websocket, h2c", "h2c, websocket", "HTTP/2.0", "http/1.1", "h2c/1"])
    func noOtherHTTPIsOffered(upgrade: String) {
        #expect(UpgradeRules.offer(Self.bytes([upgrade])) == nil)
    }

    @Test(arguments: [
        (["websocket"], true), (["WEBSOCKET"], true), (["b"], true), (["b, websocket"], true), (["a"], false),
        (["websocket, a"], false), ([], false), ([""], false), (["websocket/13"], false),
    ])
    func whatIsTaken(answer: [String], isTaken: Bool) {
        #expect(UpgradeRules.isTaken(Self.bytes(answer), of: Array("WebSocket, b".utf8)) == isTaken)
    }

    @Test(arguments: [
        ("GET", "1.1", "", "x"), ("POST", "1.1", "Content-Length: 0\r\n", "x"), ("HEAD", "1.1", "", nil),
        ("GET", "1.0", "", nil), ("POST", "1.1", "Content-Length: 1\r\n", nil),
        ("POST", "1.1", "Transfer-Encoding: chunked\r\n", nil),
    ])
    func whichRequestsMayOfferOne(method: String, version: String, fields: String, upgrade: String?) throws {
        let text = "\(method) / HTTP/\(version)\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\(fields)\r\n"
        var reader = RequestReader(limits: HeadLimits())
        guard case .head(let head) = try Array(text.utf8).withUnsafeBytes({ try reader.next($0) }).part else {
            Issue.record("no head")
            return
        }
        #expect(head.upgrade.map { String(decoding: $0, as: UTF8.self) } == upgrade && head.asksForUpgrade)
        // And in the currency type of the ports.
        #expect(HTTPRequest(head).offeredUpgrade == upgrade)
    }
}
