import Testing

@testable import InvokRegistry

@Suite struct OutsideProxyTests {
    private func hop(_ url: String, _ environment: [String: String]) throws -> String? {
        let hop = OutsideProxy(environment: environment).hop(to: try #require(RegistryURL(url)))
        return hop.map { "\($0.host):\($0.port)\($0.user.map { " \($0.user) \($0.password)" } ?? "")" }
    }

    @Test func isByScheme() throws {
        let environment = ["HTTPS_PROXY": "http://me:p%40@proxy.example:3128", "http_proxy": "plain.example:8080"]
        #expect(try hop("https://pypi.org/", environment) == "proxy.example:3128 me p@")
        #expect(try hop("http://pypi.org/", environment) == "plain.example:8080")
        #expect(try hop("https://pypi.org/", [:]) == nil)
        #expect(try hop("https://pypi.org/", ["ALL_PROXY": "http://all.example"]) == "all.example:80")
    }

    @Test func hostsAreLeftOut() throws {
        func isDirect(_ url: String, _ exceptions: String) throws -> Bool {
            try hop(url, ["HTTPS_PROXY": "http://p.example:1", "NO_PROXY": exceptions]) == nil
        }
        for exceptions in ["a.example", ".example", "*.a.example", "x, a.example", "*", "a.example:443", "A.Example"] {
            #expect(try isDirect("https://a.example/", exceptions), "\(exceptions)")
        }
        for exceptions in ["", "b.example", "ample", "a.example:444", "a.example.org"] {
            #expect(try !isDirect("https://a.example/", exceptions), "\(exceptions)")
        }
        #expect(try isDirect("https://127.0.0.1/", ""))
        #expect(try isDirect("https://localhost/", ""))
    }
}
