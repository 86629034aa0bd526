import Invok
import Testing

@testable import InvokRegistry

@Suite struct PipSettingsTests {
    private func indexes(_ settings: RegistrySettings) -> [String] { settings.pip.indexes.map(\.description) }

    @Test func withoutSettingsItIsPyPI() {
        #expect(indexes(RegistrySettings()) == ["https://pypi.org/simple/"])
    }

    @Test func variablesComeBeforeFiles() {
        let settings = RegistrySettings(
            [
                "PIP_INDEX_URL": "https://a.example/simple/",
                "PIP_EXTRA_INDEX_URL": "https://b.example/x https://c.example/y",
            ],
            files: ["/etc/pip.conf": "[global]\nindex-url = https://no.example/\nextra-index-url = https://no.example/"]
        )
        #expect(
            indexes(settings) == ["https://a.example/simple/", "https://b.example/x/", "https://c.example/y/"])
    }

    @Test func theUsersFileComesBeforeTheMachines() {
        let files = [
            "/etc/pip.conf":
                "[global]\nindex-url = https://machine.example/simple\nextra-index-url=https://extra.example",
            "/home/op/.pip/pip.conf": "[global]\nindex_url = https://old.example/simple",
            "/home/op/.config/pip/pip.conf": "# words\n[global]\nindex-url = https://user.example/simple\n",
        ]
        #expect(
            indexes(RegistrySettings(files: files)) == ["https://user.example/simple/", "https://extra.example/"])
        let elsewhere = RegistrySettings(
            ["XDG_CONFIG_HOME": "/x"],
            files: files.merging(["/x/pip/pip.conf": "[global]\nindex-url = https://xdg.example"]) { $1 })
        #expect(indexes(elsewhere).first == "https://xdg.example/")
    }

    @Test func certificatesAreThoseOfAllSettings() {
        let settings = RegistrySettings(
            ["SSL_CERT_FILE": "/a.pem", "NODE_EXTRA_CA_CERTS": "/a.pem"],
            files: ["/etc/pip.conf": "[global]\ncert = /b.pem\n", "/etc/npmrc": "cafile=/c.pem\n", "/c.pem": "no PEM"])
        #expect(settings.certificates.isEmpty)
        #expect(settings.problems.map { $0.split(separator: "'")[1] } == ["/a.pem", "/b.pem", "/c.pem"])
    }

    @Test func forInstallComesBeforeForAll() {
        let settings = RegistrySettings(files: [
            "/etc/pip.conf": "[install]\nindex-url = https://install.example",
            "/home/op/.config/pip/pip.conf": "[global]\nindex-url = https://all.example",
        ])
        #expect(indexes(settings) == ["https://install.example/"])
    }

    @Test func severalIndexesStandOnSeveralLines() {
        let settings = RegistrySettings(files: [
            "/etc/pip.conf":
                "[global]\nextra-index-url =\n    https://one.example/simple\n    # no\n    https://two.example/simple\nother = 1\n"
        ])
        #expect(
            indexes(settings) == [
                "https://pypi.org/simple/", "https://one.example/simple/", "https://two.example/simple/",
            ])
    }

    @Test func aFileOfOnesOwnIsReadAndNoFileIsToo() {
        let files = [
            "/etc/pip.conf": "[global]\nindex-url = https://machine.example",
            "/own": "[global]\nindex-url = https://own.example",
        ]
        #expect(indexes(RegistrySettings(["PIP_CONFIG_FILE": "/own"], files: files)) == ["https://own.example/"])
        #expect(
            indexes(RegistrySettings(["PIP_CONFIG_FILE": "/dev/null"], files: files)) == ["https://pypi.org/simple/"])
        #expect(indexes(RegistrySettings(["PIP_NO_INDEX": "1"], files: files)) == [])
    }

    @Test func whatIsNoAddressIsNamedWithoutItsSecrets() {
        let settings = RegistrySettings(["PIP_INDEX_URL": "ftp://me:secret@a.example/"])
        #expect(indexes(settings) == [])
        #expect(settings.problems.count == 1 && !settings.problems[0].contains("secret"))
    }

    @Test func credentialsAreForTheIndexAlone() {
        let settings = RegistrySettings(
            ["PIP_INDEX_URL": "https://me:p%40ss@a.example/simple"],
            files: [
                "/home/op/.netrc": "machine b.example login you password word\nmachine a.example login other password x"
            ])
        #expect(indexes(settings) == ["https://a.example/simple/"])
        #expect(settings.shown("https://a.example/files/x.whl", .python) == Credentials.basic("me", "p@ss"))
        #expect(settings.shown("https://b.example:8443/x", .python) == Credentials.basic("you", "word"))
        for other in [
            "https://a.example:8443/", "https://c.example/", "https://xa.example/", "https://a.example.evil.test/",
        ] {
            #expect(settings.shown(other, .python) != Credentials.basic("me", "p@ss"))
        }
        #expect(settings.shown("https://a.example/", .node) == nil)
    }
}

@Suite struct NetrcTests {
    @Test func isReadByWords() {
        let text = """
            # machine no login a password b
            machine one.example
              login me
              password "quoted"
            machine two.example login you account x password y default login any password all
            """
        #expect(
            Netrc.logins(in: text) == [
                .init(host: "one.example", user: "me", password: "\"quoted\""),
                .init(host: "two.example", user: "you", password: "y"),
            ])
        #expect(Netrc.logins(in: "machine").isEmpty)
    }
}
