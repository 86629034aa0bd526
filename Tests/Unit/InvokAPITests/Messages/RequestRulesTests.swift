import Invok
import Testing

@testable import InvokAPI

struct RequestRulesTests {
    private func head(
        _ fields: (String, String)..., method: String = "GET", isOld: Bool = false
    ) -> RequestRules.Head {
        RequestRules.Head(
            method: method, target: "/", isHTTP10: isOld,
            values: { name in fields.filter { $0.0.lowercased() == name }.map(\.1) })
    }

    @Test(arguments: ["a", "a:80", "[::1]:80", "a-b.c_d", "127.0.0.1", "", "%41"])
    func hostsThatAreOnes(host: String) {
        #expect(RequestRules.fault(in: head(("host", host))) == nil)
    }

    @Test(arguments: ["a b", "a/b", "a@b", "a,b", "a\\b", "ü", "a#", "a?"])
    func hostsThatAreNone(host: String) {
        #expect(RequestRules.fault(in: head(("Host", host)))?.code == .invalidRequest)
    }

    @Test func hostMayBeMissingFromOldRequestsOnly() {
        #expect(RequestRules.fault(in: head(isOld: true)) == nil)
        #expect(RequestRules.fault(in: head())?.code == .invalidRequest)
    }

    @Test func chunkedIsTheOnlyCoding() {
        let host = ("Host", "a")
        #expect(RequestRules.fault(in: head(host, ("Transfer-Encoding", "Chunked"))) == nil)
        for coding in ["chunked, chunked", "gzip", "identity", "gzip, chunked", ""] {
            #expect(RequestRules.fault(in: head(host, ("Transfer-Encoding", coding)))?.code == .invalidRequest)
        }
        #expect(RequestRules.fault(in: head(host, ("Transfer-Encoding", "chunked"), isOld: true)) != nil)
    }

    @Test(arguments: ["0", "000", "7", "9223372036854775807"])
    func lengthsThatAreOnes(length: String) {
        #expect(RequestRules.fault(in: head(("Host", "a"), ("Content-Length", length), method: "POST")) == nil)
    }

    @Test(arguments: [
        "9223372036854775808", "18446744073709551615", "99999999999999999999", "+1", "-1", "1, 1", "0x1", "1 ", "", "١",
    ])
    func lengthsThatAreNone(length: String) {
        let fault = RequestRules.fault(in: head(("Host", "a"), ("Content-Length", length), method: "POST"))
        #expect(fault?.code == .invalidRequest)
    }

    @Test func connectIsNotServed() {
        #expect(RequestRules.fault(in: head(("Host", "a:1"), method: "CONNECT"))?.code == .notImplemented)
    }

    @Test func anUpgradeIsNotTakenAndNoFault() {
        let head = self.head(("Host", "a"), ("Connection", "keep-alive"), ("Upgrade", "h2c"))
        #expect(RequestRules.fault(in: head) == nil && RequestRules.asksForUpgrade(head))
        #expect(!RequestRules.asksForUpgrade(self.head(("Host", "a"), ("Connection", "Upgrade"))))
    }

    @Test func oneExpectationCanBeMet() {
        let host = ("Host", "a")
        #expect(RequestRules.fault(in: head(host, ("Expect", "100-Continue"))) == nil)
        #expect(RequestRules.fault(in: head(host, ("Expect", "200-ok")))?.code == .expectationFailed)
        #expect(
            RequestRules.fault(in: head(host, ("Expect", "100-continue"), ("Expect", "x")))?.code == .expectationFailed)
        #expect(RequestRules.fault(in: head(host, ("Expect", "200-ok"), isOld: true)) == nil)
    }

    @Test(arguments: [
        ("http://x:1/a?b", "/a?b", "x:1"), ("HTTPS://x", "/", "x"), ("http://x?q", "/?q", "x"),
    ])
    func absoluteFormBecomesOriginForm(target: String, path: String, host: String) throws {
        let absolute = try #require(RequestRules.absoluteForm(target))
        #expect(absolute.target == path && absolute.host == host)
    }

    @Test(arguments: ["/a?b=http://c", "ftp://x/a", "*", "/"])
    func otherFormsStay(target: String) {
        #expect(RequestRules.absoluteForm(target) == nil)
    }
}
