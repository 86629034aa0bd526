import Foundation
import Testing

@testable import InvokModel

struct EgressTests {
    private func destination(_ text: String) throws(InvokError) -> Egress.Destination { try Egress.Destination(text) }

    private func refusal(_ text: String) -> String? {
        do throws(InvokError) {
            _ = try destination(text)
            return nil
        } catch {
            #expect(error.code == .invalidConfig && error.nextStep != nil)
            return error.message
        }
    }

    @Test(arguments: [
        ("api.example.com", "api.example.com"), ("API.Example.com:443", "api.example.com:443"),
        ("*.example.org", "*.example.org"), ("*.Example.org:8443", "*.example.org:8443"), ("db", "db"),
        ("_sip._tcp.example.com", "_sip._tcp.example.com"), ("1.2.3.4", "1.2.3.4/32"), ("1.2.3.4:80", "1.2.3.4/32:80"),
        ("203.0.113.0/24:443", "203.0.113.0/24:443"), ("2606:4700::1", "2606:4700:0:0:0:0:0:1/128"),
        ("[2606:4700::1]:443", "[2606:4700:0:0:0:0:0:1/128]:443"), ("[2606:4700::1]", "2606:4700:0:0:0:0:0:1/128"),
        ("2606:4700::/32", "2606:4700:0:0:0:0:0:0/32"), ("[2606:4700::/32]:53", "[2606:4700:0:0:0:0:0:0/32]:53"),
    ])
    func isReadAndWritten(text: String, written: String) throws {
        let destination = try destination(text)
        #expect(destination.description == written)
        #expect(try self.destination(written) == destination)
    }

    @Test(arguments: [
        ("", "must be host"), ("https://api.example.com", "a URL"), ("*", "\"egress\": true"), ("a b", "must be host"),
        ("0.0.0.0/0", "\"egress\": true"), ("::/0", "\"egress\": true"), ("host:0", "port"), ("host:65536", "port"),
        ("host:http", "port"), ("host:", "port"), ("host:+80", "port"), ("a:b:c", "must be host"),
        ("*.*.example.com", "must be host"), ("*example.com", "must be host"), ("a.*.com", "must be host"),
        ("-a.example", "must be host"), ("a..b", "must be host"), ("a.", "must be host"), ("300.1.1.1", "must be host"),
        ("1.2.3", "must be host"), ("1.2.3.4/33", "must be host"), ("fe80::1%eth0", "zone"), ("[::1", "must be host"),
        ("[2606::1]443", "port"), ("invok:other", "other functions"), ("ex\u{E4}mple.com", "must be host"),
        ("::ffff:1.2.3.4/96", "must be host"),
    ])
    func whatIsNoneSaysWhatToWrite(text: String, says: String) throws {
        let message = try #require(refusal(text))
        #expect(message.contains(says), "\(message)")
    }

    @Test func labelsAndNamesHaveTheirLengths() {
        let label = String(repeating: "a", count: 63)
        #expect(refusal(label + ".example") == nil)
        #expect(refusal(label + "a.example") != nil)
        #expect(refusal([label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")) == nil)
        #expect(refusal([label, label, label, String(repeating: "a", count: 62)].joined(separator: ".")) != nil)
    }

    @Test func anAddressInTheFormOfTheOtherFamilyIsThatOfItsOwn() throws {
        #expect(try destination("::ffff:10.0.0.5") == destination("10.0.0.5"))
    }

    @Test func namesBelowAreNotTheNameItself() throws {
        let below = try destination("*.example.com")
        #expect(below.includes(name: "a.example.com") && below.includes(name: "a.b.example.com"))
        #expect(!below.includes(name: "example.com") && !below.includes(name: "badexample.com"))
        #expect(!below.includes(name: "example.com.evil.org"))
        let one = try destination("example.com")
        #expect(one.includes(name: "example.com") && !one.includes(name: "a.example.com"))
    }

    // MARK: In config.json

    private func config(_ egress: String) throws -> FunctionConfig {
        try FunctionConfig(json: Array(#"{"function_name":"a","runtime":"go","egress":\#(egress)}"#.utf8))
    }

    @Test func aConfigurationAsksForNothingForAllOrForAList() throws {
        #expect(try config("false").egress == .nothing)
        #expect(try config("null").egress == .nothing)
        #expect(try config("[]").egress == .nothing)
        #expect(try config("true").egress == .publicInternet)
        let (host, range) = (try destination("api.example.com:443"), try destination("203.0.113.0/24"))
        #expect(
            try config(#"["api.example.com:443","203.0.113.0/24","API.example.com:443"]"#).egress
                == .list([host, range]))
        #expect(try FunctionConfig(json: Array(#"{"function_name":"a","runtime":"go"}"#.utf8)).egress == .nothing)
    }

    @Test(arguments: [#""yes""#, "1", #"{"a":1}"#, "[1]", #"[["a"]]"#]) func anythingElseIsExplained(json: String)
        throws
    {
        let error = #expect(throws: InvokError.self) { try config(json) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.contains("egress must be true, false or a list") == true)
    }

    @Test func aListHasAnEnd() throws {
        let texts = (0...Egress.maximumDestinations).map { "a\($0).example" }
        #expect(throws: InvokError.self) { try Egress(list: texts) }
        #expect(try Egress(list: texts.dropLast()) != .nothing)
    }

    @Test func whatIsStoredIsWhatWasAskedFor() throws {
        for egress in [
            Egress.nothing, .publicInternet, try Egress(list: ["a.example:443", "[2606::/32]:1", "*.b.example"]),
        ] {
            let json = try JSONEncoder().encode([egress])
            #expect(try JSONDecoder().decode([Egress].self, from: json) == [egress])
        }
        let kept = try FunctionConfig(
            json: try #require(
                FunctionConfig(
                    json: Array(#"{"function_name":"a","runtime":"go","env":{"A":"1"},"egress":["a.example:1"]}"#.utf8)
                ).withoutEnvironment))
        #expect(kept.egress == .list([try destination("a.example:1")]))
    }

    @Test func summaries() throws {
        #expect(Egress.nothing.summary == "-" && Egress.publicInternet.summary == "internet")
        #expect(try Egress(list: ["a.example"]).summary == "a.example")
        #expect(try Egress(list: ["a.example:1", "b", "c"]).summary == "a.example:1 +2")
    }
}
