import InvokModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Hot reloading: deploys on each save, says what became of it, and shows the function's log between, until Ctrl-C.
struct DeployWatch {
    let deployer: Deployer

    private var console: Console { deployer.console }

    func run(first: ProjectArchive) async throws {
        // Watch before the first deploy, so that no save is missed meanwhile.
        let changes = try FolderWatcher(folder: deployer.project.path).changes()
        let start = WallClock.now()
        try await withThrowingTaskGroup(of: Void.self) { group in
            var seen = first
            var follows = false
            try await deploy(first, follows: &follows)
            if follows { group.addTask { try await follow(since: start) } }
            console.note("Watching \(deployer.project.path); Ctrl-C ends it")
            for await _ in changes {
                try await Task.sleep(for: FolderWatcher.stillness)
                guard let archive = pack(after: seen) else { continue }
                seen = archive
                let followed = follows
                try await deploy(archive, follows: &follows)
                if follows, !followed { group.addTask { try await follow(since: start) } }
            }
        }
    }

    /// The project as it is now, unless it is the same as before or cannot be packed.
    private func pack(after seen: ProjectArchive) -> ProjectArchive? {
        do {
            let archive = try Deployer.pack(
                deployer.project, limits: deployer.limits, including: deployer.included)
            return archive.bytes == seen.bytes ? nil : archive
        } catch {
            console.report(error)
            return nil
        }
    }

    /// Deploys, and shows an error instead of throwing it: the next save may mend it.
    /// - Parameter follows: set once there is a function whose log can be followed.
    /// - Throws: `Failure` where no save can mend it.
    private func deploy(_ archive: ProjectArchive, follows: inout Bool) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let answer = try await deployer.deploy(archive)
            follows = true
            guard !console.isJSON else { return try console.json(answer) }
            let tenths = (clock.now - start).wholeNanoseconds / 100_000_000
            console.result(
                "\(WallClock.timeOfDay()) \(answer.name) version \(answer.version) in \(tenths / 10).\(tenths % 10) s  "
                    + "\(deployer.client.host)\(answer.path)")
        } catch let failure as Failure where failure.status != .notLoggedIn {
            console.report(failure)
        }
    }

    private func follow(since start: Timestamp) async throws {
        let path = "/invok/logs/\(deployer.namespace)/\(deployer.project.name)"
        let follower = LogFollower(
            client: deployer.client, path: path, query: [("since", start.description)], filter: [], lost: {})
        do {
            try await follower.run { try LogPrinter(console: console).show($0) }
        } catch let failure as Failure {
            console.warn("the log is not shown: \(failure.message)")
        }
    }
}

/// The time of this machine.
enum WallClock {
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The local time as `14:03:07`.
    static func timeOfDay() -> String {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return [parts.tm_hour, parts.tm_min, parts.tm_sec].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
