import Testing

@testable import InvokDocker

@Suite struct DockerClientTests {
    @Test func escapesWhatGoesIntoAURL() {
        #expect(DockerClient.escaped("/var/run/docker.sock") == "%2Fvar%2Frun%2Fdocker.sock")
        #expect(DockerClient.escaped("a b?c=d&e#f%ä") == "a%20b%3Fc%3Dd%26e%23f%25%C3%A4")
    }

    @Test func ordersVersionsByNumber() throws {
        #expect(try #require(DockerVersion("1.9")) < #require(DockerVersion("1.41")))
        for text in ["1", "1.x", "", "1.2.3"] { #expect(DockerVersion(text) == nil) }
    }

    @Test func saysWhatIsWrongWithASocket() async throws {
        let host = DockerHost(
            settings: DockerSettings(
                socketPath: "/nonexistent/docker.sock", images: try DockerImages { _ in nil },
                dataDirectory: "/nonexistent", cacheDirectory: "/nonexistent"), clock: StoppedClock())
        let error = await #expect(throws: (any Error).self) { _ = try await host.prepared() }
        #expect("\(try #require(error))".contains("there is no Docker at /nonexistent/docker.sock: start Docker"))
        await host.close()
    }
}
