import Testing

@testable import InvokModel

struct FunctionConfigTests {
    private func config(_ json: String) throws(InvokError) -> FunctionConfig {
        try FunctionConfig(json: Array(json.utf8))
    }

    /// The error of a `config.json` with the two required fields and `more`.
    private func refusal(_ more: String) -> InvokError? {
        refusal(of: #"{"function_name":"hello","runtime":"go",\#(more)}"#)
    }

    private func refusal(of json: String) -> InvokError? {
        do throws(InvokError) {
            _ = try config(json)
            return nil
        } catch {
            return error
        }
    }

    @Test func theSmallestOneTakesTheStandards() throws {
        let config = try config(#"{"function_name":"hello","runtime":"go"}"#)
        #expect(config.name.description == "hello")
        #expect(config.runtime == .go)
        #expect(config.environment == .empty)
        #expect(config.access == nil)
        #expect(config.limits == .standard)
    }

    @Test func everyFieldIsRead() throws {
        let config = try config(
            #"""
            {"function_name":"a-b","runtime":"nodejs","env":{"A":"1","B":"ü"},"access":"public",
             "limits":{"memoryMB":64,"cpus":0.5,"timeoutSeconds":7,"concurrency":2,"minInstances":1,"maxInstances":3,
                       "idleSeconds":9,"startSeconds":90},"entry":"src/app.mjs:serve","mount":"root"}
            """#)
        #expect(config.runtime == .nodejs)
        #expect(config.environment.variables == ["A": "1", "B": "ü"])
        #expect(config.access == .public)
        #expect(config.limits.memoryMB == 64)
        #expect(config.limits.cpus == 0.5)
        #expect(config.limits.timeoutSeconds == 7)
        #expect(config.limits.concurrency == 2)
        #expect(config.limits.minInstances == 1)
        #expect(config.limits.maxInstances == 3)
        #expect(config.limits.idleSeconds == 9)
        #expect(config.limits.startSeconds == 90)
        #expect(config.entry?.path == "src/app.mjs" && config.entry?.symbol == "serve")
        #expect(config.mount == .root)
    }

    @Test func aByteOrderMarkAndLineEndsOfWindowsAreNothing() throws {
        let config = try config("\u{FEFF}{\r\n\"function_name\": \"hello\",\r\n\"runtime\": \"go\"\r\n}\r\n")
        #expect(config.name.description == "hello")
        for mark in [[0xFF, 0xFE], [0xFE, 0xFF]] as [[UInt8]] {
            let error = #expect(throws: InvokError.self) { try FunctionConfig(json: mark + [0x7B, 0]) }
            #expect(error?.message.contains("UTF-8") == true)
        }
    }

    @Test(arguments: ["", "standard", "Root", "/"]) func aMountIsOneOfTwo(text: String) {
        #expect(refusal(#""mount":"\#(text)""#)?.message == "mount is '\(text)', but must be 'root' or 'name'")
    }

    @Test func whatIsKeptWithoutSecretsSaysTheRest() throws {
        let given = try config(
            #"{"function_name":"a","runtime":"go","env":{"A":"1"},"entry":"cmd/web","mount":"name"}"#)
        let kept = try FunctionConfig(json: try #require(given.withoutEnvironment))
        #expect(kept.entry == given.entry && kept.mount == given.mount && kept.environment == .empty)
    }

    @Test(arguments: [
        #""env":null"#, #""access":null"#, #""limits":null"#, #""limits":{"memoryMB":null}"#, #""env":{}"#,
    ])
    func nullIsMissing(more: String) {
        #expect(refusal(more) == nil)
    }

    @Test(arguments: [
        "", " ", "{", "nonsense", "[]", "7", "null", "true", #""text""#, "{}x", #"{"function_name":"hello","#,
        "\u{FEFF}",
        "{'function_name':'hello','runtime':'go'}", #"{"function_name":"hello","runtime":"go"} {}"#,
        #"// comment"#, "\u{0}", "PK\u{3}\u{4}",
    ])
    func whatIsNoObjectIsRefused(json: String) {
        let error = refusal(of: json)
        #expect(error?.code == .invalidConfig)
        #expect(error?.nextStep == "correct config.json and deploy again")
    }

    @Test(arguments: [[0xFF, 0xFE], [0xC3, 0x28], Array(#"{"function_name":""#.utf8) + [0xFF] + Array(#""}"#.utf8)])
    func whatIsNotUTF8IsRefused(bytes: [UInt8]) {
        #expect(throws: InvokError.self) { try FunctionConfig(json: bytes) }
    }

    @Test(arguments: ["[", #"{"env":"#, #"{"limits":"#])
    func deepNestingIsRefused(opening: String) {
        #expect(refusal(of: String(repeating: opening, count: 64 * 1024 / opening.utf8.count))?.code == .invalidConfig)
    }

    @Test func deepNestingThatIsClosedIsRefused() {
        let deep = String(repeating: "[", count: 20_000) + String(repeating: "]", count: 20_000)
        #expect(refusal(#""env":\#(deep)"#)?.code == .invalidConfig)
        #expect(refusal(#""unknown":\#(deep)"#)?.code == .invalidConfig)
    }

    @Test func originsOfPagesAreNamed() throws {
        let json =
            #"{"function_name":"hello","runtime":"go","cors":["https://Page.example:8443","http://localhost:5173"]}"#
        let config = try FunctionConfig(json: Array(json.utf8))
        #expect(config.cors == ["https://page.example:8443", "http://localhost:5173"])
    }

    @Test(arguments: [
        #"["*"]"#, #"["page.example"]"#, #"["https://"]"#, #"["https://a/b"]"#, #"["https://a b"]"#, #"["null"]"#,
        #"[""]"#,
        #""https://a""#, #"[1]"#, "[" + Array(repeating: #""https://a""#, count: 21).joined(separator: ",") + "]",
    ])
    func originsThatAreNone(cors: String) {
        let error = refusal(#""cors":\#(cors)"#)
        #expect(error?.code == .invalidConfig && error?.message.contains("cors") == true)
    }

    @Test func aLargeFileIsRefused() {
        let padding = String(repeating: " ", count: 64 * 1024)
        #expect(refusal(of: padding + "{}")?.message == "config.json is larger than 65536 bytes")
    }

    @Test(arguments: [
        (#"{"runtime":"go"}"#, "config.json lacks 'function_name'"),
        (#"{"function_name":"hello"}"#, "config.json lacks 'runtime'"),
        (#"{"function_name":7,"runtime":"go"}"#, "'function_name' in config.json must be text"),
        (#"{"function_name":["hello"],"runtime":"go"}"#, "'function_name' in config.json must be text"),
        (#"{"function_name":null,"runtime":"go"}"#, "'function_name' in config.json is null, but must be text"),
    ])
    func requiredFieldsAreNamed(json: String, message: String) {
        #expect(refusal(of: json)?.message == message)
    }

    @Test(arguments: [
        (#""env":"A=1""#, "env"), (#""env":["A"]"#, "env"), (#""env":{"A":1}"#, "env.A"),
        (#""env":{"A":null}"#, "env.A"),
        (#""access":true"#, "access"), (#""limits":7"#, "limits"), (#""limits":[]"#, "limits"),
        (#""limits":{"memoryMB":"64"}"#, "limits.memoryMB"), (#""limits":{"memoryMB":true}"#, "limits.memoryMB"),
        (#""limits":{"memoryMB":64.5}"#, "limits.memoryMB"), (#""limits":{"memoryMB":1e400}"#, ""),
        (#""limits":{"memoryMB":99999999999999999999}"#, "limits.memoryMB"), (#""limits":{"cpus":"1"}"#, "limits.cpus"),
        (#""limits":{"cpus":1e999}"#, ""), (#""limits":{"memoryMB":-9223372036854775808}"#, "limits.memoryMB"),
    ])
    func wrongTypesNameTheirField(more: String, field: String) {
        let error = refusal(more)
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.contains(field) == true)
    }

    @Test(arguments: [
        (#""memory":1"#, "'memory'"), (#""limits":{"memory":64}"#, "'limits.memory'"), (#""Env":{}"#, "'Env'"),
        (#""":1"#, "''"),
    ])
    func unknownKeysAreNamedWithTheKnown(more: String, key: String) {
        let error = refusal(more)
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.hasPrefix("config.json has the unknown key \(key); known are ") == true)
    }

    @Test func wrongValuesHaveTheirCodes() {
        #expect(refusal(#""access":"secret""#)?.message == "access is 'secret', but must be 'private' or 'public'")
        #expect(refusal(of: #"{"function_name":"../up","runtime":"go"}"#)?.code == .invalidName)
        #expect(refusal(of: #"{"function_name":"hello","runtime":"cobol"}"#)?.code == .unknownRuntime)
        #expect(refusal(of: #"{"function_name":"hello","runtime":"Go"}"#)?.code == .unknownRuntime)
        #expect(refusal(#""env":{"LD_PRELOAD":"x"}"#)?.code == .invalidConfig)
        #expect(refusal(#""limits":{"memoryMB":1}"#)?.code == .invalidConfig)
    }

    /// The answer goes to terminals and logs, so it never repeats a whole upload.
    @Test func messagesAreShort() {
        let long = String(repeating: "x", count: 60_000)
        for json in [
            #"{"function_name":"\#(long)","runtime":"go"}"#, #"{"function_name":"hello","runtime":"\#(long)"}"#,
            #"{"function_name":"hello","runtime":"go","\#(long)":1}"#,
            #"{"function_name":"hello","runtime":"go","access":"\#(long)"}"#,
            #"{"function_name":"hello","runtime":"go","env":{"\#(long)":"1"}}"#,
            #"{"function_name":"hello","runtime":"go","env":{"\#(long)":1}}"#,
            #"{"function_name":"hello","runtime":"go","limits":{"\#(long)":1}}"#,
        ] {
            let error = refusal(of: json)
            #expect(error != nil)
            #expect((error?.message.utf8.count ?? .max) < 500)
        }
    }
}
