import Testing

@testable import InvokRegistry

@Suite struct ToolEnvironmentTests {
    private let secret = RegistrySettings(
        [
            "PIP_INDEX_URL": "https://me:s3cret@py.example/simple", "PIP_EXTRA_INDEX_URL": "https://py2.example/",
            "npm_config_registry": "https://npm.example/", "GOPROXY": "https://me:s3cret@go.example", "GOSUMDB": "off",
            "GOPRIVATE": "*.corp.example",
        ], files: ["/home/op/.npmrc": "//npm.example/:_authToken=s3cret"])

    @Test func toolsAreToldOfTheMirrorAndOfNoSecret() {
        let address = "http://127.0.0.1:1"
        let (pip, npm, go) = (
            secret.pip.environment(at: address), secret.npm.environment(at: address), secret.go.environment(at: address)
        )
        #expect(pip["PIP_INDEX_URL"] == "http://127.0.0.1:1/pypi/0/simple/")
        #expect(pip["PIP_EXTRA_INDEX_URL"] == "http://127.0.0.1:1/pypi/1/simple/")
        #expect(npm["npm_config_registry"] == "http://127.0.0.1:1/npm/")
        #expect(
            go["GOPROXY"] == "http://127.0.0.1:1/go" && go["GOSUMDB"] == "off" && go["GONOSUMDB"] == "*.corp.example")
        for value in [pip, npm, go].flatMap(\.values) {
            #expect(!value.contains("s3cret") && !value.contains("py.example") && !value.contains("npm.example"))
        }
    }

    @Test func withoutAnIndexThereIsNone() {
        let pip = RegistrySettings(["PIP_NO_INDEX": "yes"]).pip.environment(at: "http://127.0.0.1:1")
        #expect(pip["PIP_NO_INDEX"] == "1" && pip["PIP_INDEX_URL"] == nil)
    }
}
