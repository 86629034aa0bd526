import Foundation
import InvokModel
import Testing

@testable import InvokCLI

@Suite struct SessionFileTests {
    @Test func liesWhereTheEnvironmentSays() throws {
        let cases: [([String: String], String)] = [
            (["ENV": "DOCKER", "HOME": "/h"], "/d/.serverless-cli-auth"),
            (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/invok/session.json"),
            (["XDG_CONFIG_HOME": "relative", "HOME": "/h"], "/h/.config/invok/session.json"),
            (["ENV": "dev", "HOME": "/h"], "/h/.config/invok/session.json"),
        ]
        for (environment, path) in cases {
            #expect(try SessionFile(environment: environment, directory: "/d").path == path)
        }
        #expect(throws: Failure.self) { try SessionFile(environment: [:], directory: "/d") }
    }

    @Test func isForItsOwnerOnlyEvenWhereItWasNot() throws {
        let sandbox = try Sandbox()
        let file = try SessionFile(environment: ["HOME": sandbox.directory], directory: "/")
        #expect(try file.read() == Sessions())
        let uuid = try #require(UUIDValue(namespace))
        let sessions = Sessions(host: "http://a", sessions: ["http://a": Session(token: "t", uuid: uuid, email: "e@f")])
        try file.write(sessions)
        #expect(try file.read() == sessions)
        chmod(file.path, 0o644)
        try file.write(sessions)
        var info = stat()
        #expect(stat(file.path, &info) == 0)
        #expect(info.st_mode & 0o777 == 0o600)
        #expect(try Files.names(in: sandbox.directory + "/.config/invok") == ["session.json"])
    }

    @Test func aBrokenFileSaysHowToMendIt() throws {
        let sandbox = try Sandbox()
        try sandbox.write(".config/invok/session.json", "{")
        chmod(sandbox.directory + "/.config/invok/session.json", 0o600)
        let file = try SessionFile(environment: ["HOME": sandbox.directory], directory: "/")
        let failure = #expect(throws: Failure.self) { try file.read() }
        #expect(failure?.nextStep == "remove it and log in again")
    }

    /// As one that came with a project from somebody else.
    @Test(arguments: [0o644, 0o620, 0o601] as [mode_t]) func aFileThatOthersMayHaveWrittenIsRefused(mode: mode_t) throws
    {
        let sandbox = try Sandbox()
        try sandbox.write(".serverless-cli-auth", #"{"host":"https://evil.example","sessions":{}}"#)
        let file = try SessionFile(environment: ["ENV": "DOCKER"], directory: sandbox.directory)
        #expect(file.isInProject)
        chmod(file.path, mode)
        let failure = #expect(throws: Failure.self) { try file.read() }
        #expect(failure?.nextStep?.contains("log in again") == true)
        chmod(file.path, 0o600)
        #expect(try file.read().host == "https://evil.example")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file to somebody else"))
    func theFileOfSomebodyElseIsRefused() throws {
        let sandbox = try Sandbox()
        try sandbox.write(".serverless-cli-auth", #"{"host":"https://evil.example","sessions":{}}"#)
        let file = try SessionFile(environment: ["ENV": "DOCKER"], directory: sandbox.directory)
        #expect(chmod(file.path, 0o600) == 0 && chown(file.path, 65534, 65534) == 0)
        let failure = #expect(throws: Failure.self) { try file.read() }
        #expect(failure?.message.contains("somebody else") == true)
    }
}
