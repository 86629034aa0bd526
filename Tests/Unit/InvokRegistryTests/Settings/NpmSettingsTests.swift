import Invok
import Testing

@testable import InvokRegistry

@Suite struct NpmSettingsTests {
    @Test func withoutSettingsItIsNpms() {
        #expect(RegistrySettings().npm.registry?.description == "https://registry.npmjs.org/")
    }

    @Test func theNearestSettingCounts() {
        let files = [
            "/etc/npmrc": "registry=https://machine.example\n@both:registry=https://machine.example/both",
            "/home/op/.npmrc": "; words\nregistry = \"https://user.example/npm\"\n@mine:registry=https://mine.example/",
            "/own": "registry=https://own.example/",
        ]
        let settings = RegistrySettings(files: files).npm
        #expect(settings.registry?.description == "https://user.example/npm/")
        #expect(settings.registry(of: "@mine/x")?.description == "https://mine.example/")
        #expect(settings.registry(of: "@both/x")?.description == "https://machine.example/both/")
        #expect(settings.registry(of: "@other/x") == settings.registry)
        #expect(settings.registry(of: "mine") == settings.registry)
        for name in ["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"] {
            #expect(RegistrySettings([name: "/own"], files: files).npm.registry?.description == "https://own.example/")
        }
        for name in ["NPM_CONFIG_REGISTRY", "npm_config_registry"] {
            let npm = RegistrySettings([name: "https://variable.example"], files: files).npm
            #expect(npm.registry?.description == "https://variable.example/")
        }
    }

    @Test func credentialsAreForWhatLiesBelowTheirPath() {
        let settings = RegistrySettings(
            ["TOKEN": "t0ken"],
            files: [
                "/home/op/.npmrc": """
                //a.example/npm/:_authToken=${TOKEN}
                //b.example:8443/:_auth=bWU6d29yZA==
                //c.example/:username=me
                //c.example/:_password=c2VjcmV0
                //d.example/:_authToken=${MISSING}
                _authToken=forNobody
                """
            ])
        #expect(settings.shown("https://a.example/npm/x", .node) == "Bearer t0ken")
        #expect(settings.shown("https://a.example/other/x", .node) == nil)
        #expect(settings.shown("https://b.example:8443/x", .node) == "Basic bWU6d29yZA==")
        #expect(settings.shown("https://b.example/x", .node) == nil)
        #expect(settings.shown("https://c.example/x", .node) == Credentials.basic("me", "secret"))
        #expect(settings.shown("https://registry.npmjs.org/x", .node) == nil)
        #expect(settings.shown("https://a.example/npm/x", .python) == nil)
    }

    @Test func variablesMayHaveCredentials() {
        let settings = RegistrySettings(["npm_config_//a.example/:_authToken": "x"])
        #expect(settings.shown("https://a.example/y", .node) == "Bearer x")
    }

    @Test func variablesInFilesAreExpanded() {
        let files = SettingsFiles(["A": "1"])
        #expect(NpmSettings.expanded("${A}-${A?}-${B?}-${B}-$A", files) == "1-1--${B}-$A")
    }
}
