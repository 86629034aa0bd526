import NIOHTTP1
import Testing

@testable import InvokHTTP

struct RequestRulesTests {
    private func head(_ uri: String = "/", _ version: HTTPVersion = .http1_1, _ fields: (String, String)...)
        -> HTTPRequestHead
    {
        HTTPRequestHead(version: version, method: .GET, uri: uri, headers: HTTPHeaders(fields))
    }

    @Test(arguments: ["a", "a:80", "[::1]:80", "a-b.c_d", "127.0.0.1", "", "%41"])
    func hostsThatAreOnes(host: String) {
        #expect(RequestRules.fault(in: head("/", .http1_1, ("host", host))) == nil)
    }

    @Test(arguments: ["a b", "a/b", "a@b", "a,b", "a\\b", "ü", "a#", "a?"])
    func hostsThatAreNone(host: String) {
        #expect(RequestRules.fault(in: head("/", .http1_1, ("Host", host))) != nil)
    }

    @Test func hostMayBeMissingFromOldRequestsOnly() {
        #expect(RequestRules.fault(in: head("/", .http1_0)) == nil)
        #expect(RequestRules.fault(in: head()) != nil)
    }

    @Test func chunkedIsTheOnlyCoding() {
        let host = ("Host", "a")
        #expect(RequestRules.fault(in: head("/", .http1_1, host, ("Transfer-Encoding", "Chunked"))) == nil)
        #expect(RequestRules.fault(in: head("/", .http1_1, host, ("Transfer-Encoding", "chunked, chunked"))) != nil)
        #expect(RequestRules.fault(in: head("/", .http1_0, host, ("Transfer-Encoding", "chunked"))) != nil)
    }

    @Test(arguments: [
        ("/a?b=http://c", "/a?b=http://c", "h"), ("http://x:1/a?b", "/a?b", "x:1"), ("HTTPS://x", "/", "x"),
        ("http://x?q", "/?q", "x"), ("ftp://x/a", "ftp://x/a", "h"), ("*", "*", "h"),
    ])
    func absoluteFormBecomesOriginForm(target: String, path: String, host: String) {
        var head = head(target, .http1_1, ("Host", "h"))
        RequestRules.normalizeTarget(of: &head)
        #expect(head.uri == path && head.headers["host"] == [host])
    }
}
