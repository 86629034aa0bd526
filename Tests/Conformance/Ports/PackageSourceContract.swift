import Invok
import Testing

/// Registries, and a way to put something into one.
struct Packages: Sendable {
    let source: any PackageSource
    /// Puts a page at a path of the registry, or has it send on to another path.
    let put: @Sendable (_ path: String, _ bytes: [UInt8], _ type: String?, _ tag: String?) -> Void
    let redirect: @Sendable (_ path: String, _ location: String) -> Void
    /// Has the page break off behind so many bytes.
    let cut: @Sendable (_ path: String, _ count: Int) -> Void
    /// The address of a path.
    let url: @Sendable (_ path: String) -> String
    /// Where nobody answers.
    let awayURL: String
}

/// What every `PackageSource` promises.
@Suite(.timeLimit(.minutes(1)))
struct PackageSourceContract {
    typealias Source = Candidate<Packages>
    private static let large = (0..<3_000_007).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 11) }

    private func all(_ body: any PackageBody) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await body.next() {
            #expect(!piece.isEmpty)
            bytes += piece
        }
        return bytes
    }

    @Test(arguments: Source.packageSources)
    func getsWhatIsThere(_ candidate: Source) async throws {
        try await candidate.run { packages in
            packages.put("/a", Self.large, "text/html", nil)
            packages.put("/empty", [], nil, nil)
            let answer = try await packages.source.get(
                PackageRequest(.python, url: packages.url("/a"), accept: "text/html"))
            #expect(answer.status == 200 && answer.contentType == "text/html")
            #expect(answer.url == packages.url("/a") && answer.length == Self.large.count)
            #expect(try await all(answer.body) == Self.large)
            #expect(try await answer.body.next() == nil)
            let empty = try await packages.source.get(PackageRequest(.python, url: packages.url("/empty")))
            #expect(empty.status == 200)
            #expect(try await all(empty.body).isEmpty)
        }
    }

    @Test(arguments: Source.packageSources)
    func saysThatThereIsNoSuchThing(_ candidate: Source) async throws {
        try await candidate.run { packages in
            let answer = try await packages.source.get(PackageRequest(.go, url: packages.url("/nothing")))
            #expect(answer.status == 404)
        }
    }

    @Test(arguments: Source.packageSources)
    func sendsNothingThatIsKnown(_ candidate: Source) async throws {
        try await candidate.run { packages in
            packages.put("/a", [1, 2], nil, "\"one\"")
            let first = try await packages.source.get(
                PackageRequest(.node, url: packages.url("/a"), knownTag: "\"zero\""))
            #expect(first.status == 200 && first.tag == "\"one\"")
            #expect(try await all(first.body) == [1, 2])
            let second = try await packages.source.get(
                PackageRequest(.node, url: packages.url("/a"), knownTag: "\"one\""))
            #expect(second.status == 304)
            #expect(try await all(second.body).isEmpty)
        }
    }

    @Test(arguments: Source.packageSources)
    func followsWhereItIsSentTo(_ candidate: Source) async throws {
        try await candidate.run { packages in
            packages.redirect("/A", packages.url("/a"))
            packages.put("/a", [7], nil, nil)
            let answer = try await packages.source.get(PackageRequest(.python, url: packages.url("/A")))
            #expect(answer.status == 200 && answer.url == packages.url("/a"))
            #expect(try await all(answer.body) == [7])
            packages.redirect("/round", packages.url("/round"))
            await #expect(throws: PackageSourceError.self) {
                try await packages.source.get(PackageRequest(.python, url: packages.url("/round")))
            }
        }
    }

    @Test(arguments: Source.packageSources)
    func tellsWhatBreaksOffFromWhatIsWhole(_ candidate: Source) async throws {
        try await candidate.run { packages in
            packages.put("/a", Self.large, nil, nil)
            packages.cut("/a", 100_000)
            let answer = try await packages.source.get(PackageRequest(.python, url: packages.url("/a")))
            do {
                _ = try await all(answer.body)
                Issue.record("it is taken for whole")
            } catch PackageSourceError.cutOff {}
        }
    }

    @Test(arguments: Source.packageSources)
    func saysThatNobodyAnswers(_ candidate: Source) async throws {
        try await candidate.run { packages in
            do {
                _ = try await packages.source.get(PackageRequest(.python, url: packages.awayURL))
                Issue.record("somebody answers")
            } catch PackageSourceError.unreachable {}
        }
    }

    @Test(arguments: Source.packageSources)
    func isAskedByManyAtOnce(_ candidate: Source) async throws {
        try await candidate.run { packages in
            for byte in UInt8(0)..<40 { packages.put("/\(byte)", [byte], nil, nil) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for byte in UInt8(0)..<40 {
                    group.addTask {
                        let answer = try await packages.source.get(PackageRequest(.node, url: packages.url("/\(byte)")))
                        #expect(try await all(answer.body) == [byte])
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: Source.packageSources)
    func endsWithTheTaskThatAsks(_ candidate: Source) async throws {
        try await candidate.run { packages in
            packages.put("/a", [1], nil, nil)
            let task = Task { () async -> Bool in
                withUnsafeCurrentTask { $0?.cancel() }
                do throws(PackageSourceError) {
                    _ = try await packages.source.get(PackageRequest(.go, url: packages.url("/a")))
                    return false
                } catch {
                    return error == .cancelled
                }
            }
            #expect(await task.value)
        }
    }
}
