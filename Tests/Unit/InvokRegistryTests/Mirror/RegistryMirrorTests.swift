import Foundation
import Invok
import InvokPOSIX
import InvokSim
import TestSupport
import Testing

@testable import InvokRegistry

/// The mirror on simulated registries, with a cache on the disk.
@Suite(.timeLimit(.minutes(1)))
struct RegistryMirrorTests {
    private static let index = "https://pypi.org/simple/six/"
    private static let wheel = "https://files.example.com/six-1.whl"
    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    private let folder: TemporaryFolder
    private let source = SimPackageSource()
    private let clock = SimClock()

    init() throws {
        folder = try TemporaryFolder()
        put(hash: Digest(of: Self.content).description)
        source.put(.init(Self.content, contentType: "application/zip"), at: Self.wheel)
    }

    private func put(hash: String, tag: String = "\"1\"") {
        source.put(
            .init(
                Array("<a href=\"\(Self.wheel)#sha256=\(hash)\">six-1.whl</a>".utf8), contentType: "text/html", tag: tag
            ),
            at: Self.index)
    }

    /// As a core finds it that has just started.
    private func mirror(
        _ environment: [String: String] = [:], cacheBytes: Int = 1 << 30, limits: RegistryMirror.Limits = .init()
    ) async throws -> RegistryMirror {
        let cache = PackageCache(
            directory: folder.path + "/cache", limitBytes: cacheBytes, disk: WorkerPool(threads: 2))
        try await cache.prepare()
        let routes = RegistryRoutes(
            settings: RegistrySettings(environment), signer: LinkSigner(secret: try await cache.secret()))
        return RegistryMirror(
            routes: routes, source: source, cache: cache, clock: clock, address: "http://127.0.0.1:8901", limits: limits
        )
    }

    private func get(_ target: String, of mirror: RegistryMirror) async throws -> [UInt8] {
        guard let (package, _) = try await mirror.get(target, accept: "text/html") else { return [] }
        return try await mirror.read(package, 0..<package.count)
    }

    private func text(_ target: String, of mirror: RegistryMirror) async throws -> String {
        String(decoding: try await get(target, of: mirror), as: UTF8.self)
    }

    /// The address of the wheel on the mirror's page.
    private func link(of mirror: RegistryMirror) async throws -> String {
        let page = try await text("/pypi/0/simple/six/", of: mirror)
        return String(try #require(page.firstMatch(of: /href="([^#"]+)/)).1)
    }

    private var asked: [String] { source.requests.map(\.url) }

    private func failure(_ target: String, of mirror: RegistryMirror) async -> RegistryFailure? {
        do {
            _ = try await get(target, of: mirror)
            return nil
        } catch {
            return error as? RegistryFailure
        }
    }

    @Test func aFileIsGotByItsPageAndAskedForOnce() async throws {
        let first = try await mirror()
        let link = try await link(of: first)
        #expect(link.hasPrefix("/pypi/0/file/") && link.hasSuffix("/six-1.whl"))
        #expect(try await get(link, of: first) == Self.content)
        #expect(try await get(link, of: first) == Self.content)
        #expect(asked == [Self.index, Self.wheel])
        // Another core of the folder, without anybody outside.
        source.setAway(true)
        let second = try await mirror()
        #expect(try await self.link(of: second) == link)
        #expect(try await get(link, of: second) == Self.content)
        #expect(asked.filter { $0 == Self.wheel }.count == 1)
    }

    /// Another registry's credentials are not for what a page says.
    @Test func whatIsElsewhereIsShownNoCredentials() async throws {
        let mirror = try await mirror()
        _ = try await get(try await link(of: mirror), of: mirror)
        #expect(source.requests.map(\.isAnonymous) == [false, true])
        source.put(.init(Array("<a href=\"six-2.whl\">six</a>".utf8), contentType: "text/html"), at: Self.index)
        source.put(.init([2]), at: Self.index + "six-2.whl")
        clock.advance(by: .seconds(61))
        _ = try await get(try await link(of: mirror), of: mirror)
        #expect(source.requests.map(\.isAnonymous) == [false, true, false, false])
    }

    @Test func whatDoesNotHaveItsHashIsNotServed() async throws {
        source.set(.wrongByte, at: Self.wheel)
        let mirror = try await mirror()
        let link = try await link(of: mirror)
        let failure = try #require(await failure(link, of: mirror))
        #expect(failure.status == 424 && failure.message.contains("is not what its index says"))
        // Nothing of it is left, and the next one may have it right.
        #expect(Files.names(in: folder.path + "/cache/packages").count == 1)
        source.set(nil, at: Self.wheel)
        #expect(try await get(link, of: mirror) == Self.content)
    }

    @Test func whatBreaksOffIsAskedForAgainAndNeverServed() async throws {
        source.set(.cutOff(100_000), at: Self.wheel)
        let mirror = try await mirror()
        let link = try await link(of: mirror)
        let failure = try #require(await failure(link, of: mirror))
        #expect(failure.status == 504 && failure.message.contains("files.example.com broke off"))
        #expect(asked.filter { $0 == Self.wheel }.count == 3)
        #expect(Files.names(in: folder.path + "/cache/packages").count == 1)
    }

    @Test func manyAtOnceAskOnce() async throws {
        let mirror = try await mirror()
        let link = try await link(of: mirror)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let bytes = try await get(link, of: mirror)
                    #expect(bytes == Self.content)
                }
            }
            try await group.waitForAll()
        }
        #expect(asked.filter { $0 == Self.wheel }.count == 1)
    }

    @Test func aPageIsAskedForAgainAfterAMinuteAndSentOnlyWhenItIsNew() async throws {
        let mirror = try await mirror()
        let link = try await link(of: mirror)
        _ = try await self.link(of: mirror)
        #expect(source.requests.count == 1)
        clock.advance(by: .seconds(61))
        #expect(try await self.link(of: mirror) == link)
        #expect(source.requests.last?.knownTag == "\"1\"" && source.requests.count == 2)
        _ = try await self.link(of: mirror)
        #expect(source.requests.count == 2)
        put(hash: "00", tag: "\"2\"")
        clock.advance(by: .seconds(61))
        #expect(try await self.link(of: mirror) != link)
    }

    @Test func aPageThatIsKnownStandsInForARegistryThatIsAway() async throws {
        let mirror = try await mirror()
        let link = try await link(of: mirror)
        clock.advance(by: .seconds(3600))
        source.set(.away, at: Self.index)
        #expect(try await self.link(of: mirror) == link)
        source.set(.status(503), at: Self.index)
        #expect(try await self.link(of: mirror) == link)
        // That it is gone is no failure of the registry's.
        source.set(.status(404), at: Self.index)
        #expect(await failure("/pypi/0/simple/six/", of: mirror)?.status == 404)
    }

    @Test func whatARegistryAnswersIsSaid() async throws {
        let mirror = try await mirror()
        for (fault, status, words) in [
            (SimPackageSource.Fault.away, 504, "does not reach pypi.org"), (.status(500), 504, "pypi.org answers 500"),
            (.status(401), 403, "see its credentials"), (.status(404), 404, "pypi.org has no /simple/six/"),
        ] {
            source.set(fault, at: Self.index)
            let failure = try #require(await failure("/pypi/0/simple/six/", of: mirror))
            #expect(failure.status == status && failure.message.contains(words), "\(failure)")
        }
        source.set(nil, at: Self.index)
        source.put(.init([1], contentType: "image/png"), at: Self.index)
        #expect(await failure("/pypi/0/simple/six/", of: mirror)?.message.contains("no page of a registry") == true)
    }

    @Test func whatIsTooLargeIsRefused() async throws {
        let mirror = try await mirror(limits: .init(fileBytes: 200_000))
        let link = try await link(of: mirror)
        let failure = try #require(await failure(link, of: mirror))
        #expect(failure.status == 413)
    }

    @Test func theProxiesOfGoStandInForEachOther() async throws {
        let path = "/a.example/b/@v/list"
        source.put(.init(Array("v1.0.0\n".utf8)), at: "https://two.example" + path)
        source.put(.init(Array("v2.0.0\n".utf8)), at: "https://three.example" + path)
        // One that has no such module lets the next one be asked, one that fails does not.
        let strict = try await mirror(["GOPROXY": "https://one.example,https://two.example,https://three.example"])
        #expect(try await text("/go" + path, of: strict) == "v1.0.0\n")
        source.set(.status(500), at: "https://one.example" + path)
        clock.advance(by: .seconds(61))
        source.set(.away, at: "https://one.example/c.example/@v/list")
        #expect(await failure("/go/c.example/@v/list", of: strict)?.status == 504)
        let lenient = try await mirror(["GOPROXY": "https://one.example|https://three.example"])
        #expect(try await text("/go" + path, of: lenient) == "v2.0.0\n")
    }

    @Test func theCacheIsBounded() async throws {
        let mirror = try await mirror(cacheBytes: 1_000_000)
        for number in 0..<10 {
            let url = "https://proxy.golang.org/a.example/@v/v1.0.\(number).zip"
            source.put(.init(Self.content), at: url)
            #expect(try await get("/go/a.example/@v/v1.0.\(number).zip", of: mirror) == Self.content)
        }
        let names = Files.names(in: folder.path + "/cache/packages")
        #expect((1...3).contains(names.count))
        let before = source.requests.count
        _ = try await get("/go/a.example/@v/v1.0.9.zip", of: mirror)
        #expect(source.requests.count == before)
        _ = try await get("/go/a.example/@v/v1.0.0.zip", of: mirror)
        #expect(source.requests.count == before + 1)
    }

    @Test func aLockFilesTarballIsGotByItsPath() async throws {
        source.put(.init([1, 2, 3]), at: "https://registry.npmjs.org/left-pad/-/left-pad-1.0.0.tgz")
        let mirror = try await mirror()
        #expect(try await get("/npm/left-pad/-/left-pad-1.0.0.tgz", of: mirror) == [1, 2, 3])
    }

    @Test func damagedAndForeignFilesOfTheCacheAreNoTrap() async throws {
        let first = try await mirror()
        let link = try await link(of: first)
        _ = try await get(link, of: first)
        for name in Files.names(in: folder.path + "/cache/packages") {
            try Files.write([1, 2, 3], to: folder.path + "/cache/packages/" + name, mode: 0o600)
        }
        try Files.write([], to: folder.path + "/cache/packages/draft-1-1-1", mode: 0o600)
        try Files.write([], to: folder.path + "/cache/packages/" + Digest(of: [9]).description, mode: 0o600)
        let second = try await mirror()
        let again = try await self.link(of: second)
        #expect(try await get(again, of: second) == Self.content)
    }
}
