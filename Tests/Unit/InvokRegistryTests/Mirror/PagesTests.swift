import Foundation
import Testing

@testable import InvokRegistry

/// Pages whose links are rewritten: in HTML and in JSON.
@Suite struct PagesTests {
    private func page(_ text: String = "https://pypi.org/simple/six/") throws -> RegistryURL {
        try #require(RegistryURL(text))
    }

    private func html(_ text: String) throws -> String {
        HTMLIndex.rewritten(text, from: try page()) { link in
            "/f/\(link.url.host)\(link.url.path)?\(link.hash?.text ?? "")?\(link.metadataHash?.text ?? "")"
        }
    }

    private func object(_ bytes: [UInt8]?) throws -> [String: Any] {
        let bytes = try #require(bytes)
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func linksOfHTMLAreRewrittenAndAllElseStays() throws {
        let text = """
            <!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1"></head><body><h1>Links for a < b</h1>
            <a href="https://files.example.com/six-1.whl#sha256=00" data-requires-python="&gt;=2.7, !=3.0.*" data-core-metadata="sha256=01">six-1.whl</a><br />
            <A data-yanked='why "so"' HREF='../x/six-2.tar.gz'>six-2</A>
            <a href=six-3.zip>six-3</a><!-- <a href="no"> -->
            <a href="javascript:no">no</a><a name="x">none</a>
            """
        let result = try html(text)
        #expect(
            result == """
                <!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1"></head><body><h1>Links for a < b</h1>
                <a href="/f/files.example.com/six-1.whl?sha256=00?sha256=01#sha256=00" data-requires-python="&gt;=2.7, !=3.0.*" data-core-metadata="sha256=01">six-1.whl</a><br />
                <A data-yanked='why "so"' HREF='/f/pypi.org/simple/x/six-2.tar.gz??'>six-2</A>
                <a href=/f/pypi.org/simple/six/six-3.zip??>six-3</a><!-- <a href="no"> -->
                <a href="#">no</a><a name="x">none</a>
                """)
    }

    @Test func entitiesAndABaseAreMinded() throws {
        #expect(try html("<a href=\"x.whl?a=1&amp;b=2\">") == "<a href=\"/f/pypi.org/simple/six/x.whl??\">")
        #expect(
            try html("<base href=\"https://b.example/r/\"><a href=\"x.whl\">y</a>")
                == "<a href=\"/f/b.example/r/x.whl??\">y</a>")
        // A base makes nothing the registry's own.
        #expect(
            try html("<base href=\"http://169.254.169.254/\"><a href=\"x.whl\">y</a><a href=\"/z.whl\">")
                == "<a href=\"#\">y</a><a href=\"#\">")
        // Nothing gets out of its quotes.
        let written = HTMLIndex.rewritten("<a href=\"x.whl\">", from: try page()) { _ in "\"><script>'&" }
        #expect(written == "<a href=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">")
    }

    @Test(arguments: [
        "<", "<a", "<a href", "<a href=", "<a href=\"", "<a href='x", "<!--", "<a href=\"x\"", "<>", "</a", "<a =x>",
        "<a 'x\"y>",
    ])
    func whatBreaksOffIsNoTrap(_ text: String) throws { _ = try html("x\(text)") }

    @Test func filesOfAJSONIndexAreRewritten() throws {
        let text = """
            {"meta":{"api-version":"1.1"},"name":"six","versions":["1"],"files":[
            {"filename":"six-1.whl","url":"https://files.example.com/six-1.whl","hashes":{"sha256":"00"},"core-metadata":{"sha256":"01"},"size":10,"yanked":false},
            {"filename":"six-2.whl","url":"../six-2.whl","hashes":{},"core-metadata":true},
            {"filename":"six-3.whl","url":"http://169.254.169.254/six-3.whl","hashes":{}}]}
            """
        let bytes = JSONPages.pythonIndex(Array(text.utf8), from: try page()) { link in
            "/f\(link.url.path)?\(link.hash?.text ?? "")?\(link.metadataHash?.text ?? "")"
        }
        let object = try object(bytes)
        let files = try #require(object["files"] as? [[String: Any]])
        #expect(files.map { $0["url"] as? String } == ["/f/six-1.whl?sha256=00?sha256=01", "/f/simple/six-2.whl??"])
        #expect(files[0]["size"] as? Int == 10 && files[0]["yanked"] as? Bool == false)
        #expect(files[1]["core-metadata"] as? Bool == true && object["versions"] as? [String] == ["1"])
        for none in ["[]", "{\"files\""] {
            let result = JSONPages.pythonIndex(Array(none.utf8), from: try page()) { _ in "" }
            #expect(result == nil)
        }
    }

    @Test func tarballsOfAPackumentAreRewritten() throws {
        let text = """
            {"name":"x","dist-tags":{"latest":"2.0.0"},"versions":{
            "1.0.0":{"name":"x","dist":{"tarball":"https://registry.npmjs.org/x/-/x-1.0.0.tgz","shasum":"0102"}},
            "2.0.0":{"dist":{"tarball":"https://cdn.example.com/x-2.tgz","integrity":"sha512-Ag==","shasum":"0102"}},
            "3.0.0":{"dist":{"tarball":"http://10.0.0.1/x-3.tgz"}}}}
            """
        let bytes = JSONPages.packument(Array(text.utf8), from: try page("https://registry.npmjs.org/x")) { link in
            "http://m/\(link.url.host)\(link.url.path)?\(link.hash?.text ?? "")"
        }
        let object = try object(bytes)
        let versions = try #require(object["versions"] as? [String: [String: Any]])
        #expect(
            versions.mapValues { ($0["dist"] as? [String: Any])?["tarball"] as? String } == [
                "1.0.0": "http://m/registry.npmjs.org/x/-/x-1.0.0.tgz?sha1=0102",
                "2.0.0": "http://m/cdn.example.com/x-2.tgz?sha512=02",
            ])
        #expect((object["dist-tags"] as? [String: String]) == ["latest": "2.0.0"])
        let none = JSONPages.packument(Array("no".utf8), from: try page()) { _ in "" }
        #expect(none == nil)
    }
}
