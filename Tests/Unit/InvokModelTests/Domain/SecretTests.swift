import Testing

@testable import InvokModel

struct SecretTests {
    @Test(arguments: ["A", "TOKEN", "A1_B", String(repeating: "A", count: 64)])
    func namesAreThoseOfVariables(_ text: String) throws { #expect(try SecretName(text).description == text) }

    @Test(arguments: [
        "", "a", "Token", "1A", "_A", "A-B", "A B", "A=B", "Ä", String(repeating: "A", count: 65), "PATH", "HOME",
        "INVOK_X", "LD_PRELOAD", "LISTEN_FDS",
    ])
    func otherNamesAreRefused(_ text: String) {
        let error = #expect(throws: InvokError.self) { try SecretName(text) }
        #expect(error?.code == .invalidName && error?.nextStep != nil)
    }

    @Test func valuesAreTextOfABoundedSizeThatNothingPrints() throws {
        for text in ["", "a\0b", String(repeating: "x", count: SecretValue.maximumBytes + 1)] {
            #expect(throws: InvokError.self) { try SecretValue(text) }
        }
        let value = try SecretValue("planted-77ab")
        #expect(
            !"\(value) \(String(reflecting: value)) \([value]) \(String(describing: Optional(value)))".contains(
                "planted"))
        var dumped = ""
        dump(value, to: &dumped)
        #expect(!dumped.contains("planted"))
    }

    private func config(_ secrets: String, env: String = "{}") throws -> FunctionConfig {
        try FunctionConfig(
            json: Array(#"{"function_name":"hello","runtime":"go","env":\#(env),"secrets":\#(secrets)}"#.utf8))
    }

    @Test func configurationsNameThemAsVariablesOrFiles() throws {
        let config = try config(#"["TOKEN", {"name":"KEY","as":"file"}, {"name":"B","as":"env"}, {"name":"C"}]"#)
        let names = try ["TOKEN", "KEY", "B", "C"].map { try SecretName($0) }
        #expect(config.secrets == names.map { SecretReference($0, as: $0.description == "KEY" ? .file : .environment) })
        // What is kept in place of the file says the same.
        let kept = try FunctionConfig(json: try #require(config.withoutEnvironment))
        #expect(kept.secrets == config.secrets)
        #expect(try self.config("[]").secrets.isEmpty)
    }

    @Test(arguments: [
        (#""TOKEN""#, "list"), (#"[1]"#, "must have names"), (#"["token"]"#, "not a secret's name"),
        (#"["INVOK_A"]"#, "sets 'INVOK_A' itself"), (#"["A","A"]"#, "twice"),
        (#"[{"name":"A","as":"disk"}]"#, "'env' or 'file'"),
        (#"[{"name":"A","form":"file"}]"#, "unknown key 'secrets.form'"), (#"[{"as":"file"}]"#, "must have names"),
    ])
    func whatIsWrongIsNamed(_ secrets: String, _ word: String) {
        let error = #expect(throws: InvokError.self) { try config(secrets) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test func aVariableIsNotASecretToo() throws {
        let error = #expect(throws: InvokError.self) { try config(#"["A"]"#, env: #"{"A":"x"}"#) }
        #expect(error?.message == "'A' is in env and in secrets; keep one of them")
        _ = try config(#"[{"name":"A","as":"file"}]"#, env: #"{"A":"/run/secrets/A"}"#)
        let many = (0...SecretReference.maximumCount).map { #""A\#($0)""# }.joined(separator: ",")
        #expect(throws: InvokError.self) { try config("[\(many)]") }
    }
}
