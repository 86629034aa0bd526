import Foundation
import NIOHTTP1
import Testing

@testable import InvokCLI

@Suite struct DeployCommandTests {
    private static let answer = """
        {"uuid":"\(namespace)","name":"hello","version":4,"path":"/invok/\(namespace)/hello","access":"public","build_log":""}
        """

    @Test func uploadsAndPrintsTheURL() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            #expect(try await sandbox.run("create", "-n", "hello").status == .success)
            let outcome = try await sandbox.run("deploy", "-n", "hello", "--public")
            #expect(outcome.output == "\(server.address)/invok/\(namespace)/hello\n")
            #expect(outcome.errors.contains("hello version 4 is active, public"))
            var requests = server.requests.makeAsyncIterator()
            let request = try #require(await requests.next())
            #expect(request.method == "POST")
            #expect(request.uri == "/invok/deploy?namespace=\(namespace)&access=public")
            #expect(request.headers.first(name: "Authorization") == "Bearer secret-token")
            #expect(request.text.contains("filename=\"hello.zip\"\r\nContent-Type: application/zip\r\n\r\nPK"))
        }
    }

    @Test func theCurrentFolderNamesTheFunction() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            try sandbox.write("config.json", #"{"function_name":"hello","runtime":"python"}"#)
            try sandbox.write("function.py", "")
            // What a run leaves in its own folder is not the project's.
            try sandbox.write(".invokignore", "home/\n.out-*\n.err-*\n")
            #expect(try await sandbox.run("deploy", "--json").output.hasPrefix("{\"access\":\"public\""))
            #expect(try await sandbox.run("deploy", "-n", "hello").status == .success)
        }
    }

    @Test func saysWhatLooksLikeASecretAndUploadsItWhenNamed() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            #expect(try await sandbox.run("create", "-n", "hello").status == .success)
            try sandbox.write("hello/.env", "TOKEN=hunter2")
            var requests = server.requests.makeAsyncIterator()
            let without = try await sandbox.run("deploy", "-n", "hello", "-q")
            #expect(without.errors.contains("looks like secrets: .env; --include"))
            #expect(await requests.next()?.text.contains("hunter2") == false)
            let with = try await sandbox.run("deploy", "-n", "hello", "-q", "--include", ".env")
            #expect(!with.errors.contains("secrets"))
            // So short that compressing it saves nothing.
            #expect(await requests.next()?.text.contains("hunter2") == true)
        }
    }

    @Test func whatTheBuildPrintsIsShownAsItComesAndNotTwice() async throws {
        let log = "event: log\ndata: {\"text\":\"Collecting flask\"}\n\n"
        let problem =
            #"{"type":"about:blank","title":"t","status":422,"detail":"no build","code":"build_failed","#
            + #""request_id":"r1","error":"no build","build_log":"Collecting flask\n"}"#
        let ends = ["event: deployed\ndata: \(Self.answer)\n\n", "event: problem\ndata: \(problem)\n\n", ""]
        for (number, end) in ends.enumerated() {
            try await StubServer.with({ _ in .init(type: "text/event-stream", ": invok\n\n" + log + end) }) { server in
                let sandbox = try Sandbox()
                try sandbox.logIn(at: server.address)
                #expect(try await sandbox.run("create", "-n", "hello").status == .success)
                let outcome = try await sandbox.run("deploy", "-n", "hello")
                #expect(outcome.errors.contains("  Collecting flask\n"))
                #expect(outcome.errors.components(separatedBy: "Collecting flask").count == 2, "\(outcome.errors)")
                #expect((outcome.status == .success) == (number == 0), "\(outcome.errors)")
                if number == 1 { #expect(outcome.errors.contains("Error: no build")) }
                if number == 2 { #expect(outcome.errors.contains("the server goes on with the deploy")) }
                let quiet = try await sandbox.run("deploy", "-n", "hello", "-q")
                #expect(quiet.errors.contains("Collecting") == (number == 1), "it is in the error then")
            }
        }
    }

    @Test func buildLogsAreShownAsTheyAre() async throws {
        let problem = StubServer.Answer.problem(
            422, "build_failed", "the build failed", more: #","build_log":"./function.go:3:1: oops\n\tthere\n""#)
        try await StubServer.with({ _ in problem }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            _ = try await sandbox.run("create", "-n", "hello")
            let outcome = try await sandbox.run("deploy", "-n", "hello", "-q")
            #expect(
                outcome.errors == """
                    Error: the build failed
                      ./function.go:3:1: oops
                      \tthere
                    Next: correct it and deploy again

                    """)
            #expect(outcome.status == .failure)
        }
    }

    @Test func saysWhatToTypeWhereThereIsNoProject() async throws {
        let sandbox = try Sandbox()
        #expect(try await sandbox.run("deploy").status == .usage)
        let missing = try await sandbox.run("deploy", "-n", "hello")
        #expect(missing.errors.contains("Next: make it with 'invok create -n hello'"))
        _ = try await sandbox.run("create", "-n", "hello")
        #expect(try await sandbox.run("deploy", "-n", "helo").errors.contains("did you mean 'invok deploy -n hello'?"))
        #expect(try await sandbox.run("deploy").errors.contains("-n hello"))
        try sandbox.write("hello/config.json", #"{"function_name":"other","runtime":"go"}"#)
        #expect(try await sandbox.run("deploy", "-n", "hello").errors.contains("names the function 'other'"))
    }

    @Test func aDryRunListsWhatWouldGoAndAsksNobody() async throws {
        let sandbox = try Sandbox()
        try sandbox.write("hello/config.json", #"{"function_name":"hello","runtime":"python"}"#)
        try sandbox.write("hello/function.py", "def handler(request): ...\n")
        try sandbox.write("hello/.env", "A=1")
        try sandbox.write("hello/notes/a.txt", "x")
        try sandbox.write("hello/env/pyvenv.cfg", "home = /usr/bin\n")
        try sandbox.write("hello/.invokignore", "# mine\nnotes/\n")
        // Nobody is logged in, and nothing listens there.
        let outcome = try await sandbox.run("deploy", "-n", "hello", "--dry-run", host: "http://127.0.0.1:1")
        #expect(
            outcome.output == """
                SIZE  FILE
                44 B  config.json
                26 B  function.py

                LEFT OUT      WHY
                .env          looks like a secret; --include uploads what you name
                .invokignore  no project needs it
                env/          a virtual environment, made for this machine
                notes/        .invokignore:2

                """)
        #expect(outcome.errors.hasPrefix("hello would be 2 files, 70 B, "))
        #expect(outcome.status == .success)
        let json = try await sandbox.run("deploy", "-n", "hello", "--dry-run", "--json", host: "http://127.0.0.1:1")
        let document = try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any]
        #expect(
            (document?["files"] as? [[String: Any]])?.map { $0["path"] as? String } == ["config.json", "function.py"])
        let leftOut = document?["left_out"] as? [[String: Any]]
        #expect(leftOut?.map { $0["reason"] as? String } == ["secret", "standard", "virtual_environment", "ignored"])
        #expect(leftOut?.last?["by"] as? String == ".invokignore:2")
        #expect(try await sandbox.run("deploy", "-n", "hello", "--dry-run", "--watch").status == .usage)
    }

    @Test func aBarShowsALargeUploadOnATerminalAndIsGoneAtTheEnd() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            #expect(try await sandbox.run("create", "-n", "hello").status == .success)
            // Noise, which no compression makes smaller.
            let noise = Data((0..<(6 << 20)).map { _ in UInt8.random(in: .min ... .max) })
            try noise.write(to: URL(filePath: sandbox.directory + "/hello/data.bin"))
            let text = try await sandbox.terminal("deploy", "-n", "hello")
            #expect(text.contains("Uploading ") && text.contains(" % of 6 MB"))
            #expect(text.hasSuffix("\r\u{1B}[Khello version 4 is active, public\r\n"))
            #expect(!(try await sandbox.terminal("deploy", "-n", "hello", "-q")).contains("%"))
            #expect(!(try await sandbox.run("deploy", "-n", "hello").errors).contains("%"))
        }
    }

    @Test func needsALogin() async throws {
        let sandbox = try Sandbox()
        _ = try await sandbox.run("create", "-n", "hello")
        let outcome = try await sandbox.run("deploy", "-n", "hello")
        #expect(outcome.status == .notLoggedIn)
        #expect(outcome.errors.contains("invok login"))
    }
}
