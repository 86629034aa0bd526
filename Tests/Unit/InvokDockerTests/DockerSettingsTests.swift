import Invok
import Testing

@testable import InvokDocker

@Suite struct DockerSettingsTests {
    @Test func takesAUnixSocketOnly() throws {
        #expect(try DockerAddress.socketPath(nil) == "/var/run/docker.sock")
        #expect(try DockerAddress.socketPath("") == "/var/run/docker.sock")
        #expect(try DockerAddress.socketPath("unix:///run/user/1/docker.sock") == "/run/user/1/docker.sock")
        for text in ["tcp://127.0.0.1:2375", "http://docker", "ssh://host", "/var/run/docker.sock", "npipe:////./pipe"]
        {
            let error = #expect(throws: DockerSettingError.self) { try DockerAddress.socketPath(text) }
            #expect(error?.message.contains("unix socket only") == true, "\(text)")
        }
        for text in ["unix://", "unix://relative", "unix:///" + String(repeating: "x", count: 120)] {
            #expect(throws: DockerSettingError.self) { try DockerAddress.socketPath(text) }
        }
    }

    @Test func hasTheOfficialImagesUnlessOthersAreNamed() throws {
        let standard = try DockerImages { _ in nil }
        #expect(standard.runner(of: .go) == "alpine:3" && standard.builder(of: .go) == "golang:1")
        #expect(standard.builder(of: .python) == standard.runner(of: .python))
        let given = [
            "INVOK_PYTHON_IMAGE": "registry.example:5000/py/base:3@sha256:abc", "INVOK_GO_BUILDER_IMAGE": "go",
        ]
        let images = try DockerImages { given[$0] }
        #expect(images.runner(of: .python) == given["INVOK_PYTHON_IMAGE"])
        #expect(images.builder(of: .python) == given["INVOK_PYTHON_IMAGE"])
        #expect(images.builder(of: .go) == "go" && images.runner(of: .go) == "alpine:3")
        #expect(images.runner(of: .nodejs) == "node:24-slim")
    }

    @Test(arguments: ["a b", "-x", "../x", "a//b", "a\nb", "ä", "$(id)", "a?b", "a#b", "a%2fb"])
    func refusesWhatIsNoImage(_ name: String) {
        let error = #expect(throws: DockerSettingError.self) {
            try DockerImages { $0 == "INVOK_NODE_IMAGE" ? name : nil }
        }
        #expect(error?.message.hasPrefix("INVOK_NODE_IMAGE") == true)
    }

    @Test func namesTheDataDirectoryAsTheEngineSeesIt() throws {
        var settings = DockerSettings(
            socketPath: "/s", images: try DockerImages { _ in nil }, dataDirectory: "/data", cacheDirectory: "/cache")
        #expect(settings.hostPath("/data/run/x") == "/data/run/x")
        settings.hostDataDirectory = "/srv/invok"
        #expect(settings.hostPath("/data/run/x") == "/srv/invok/run/x")
        #expect(settings.hostPath("/data") == "/srv/invok")
        #expect(settings.hostPath("/database") == "/database")
    }
}
