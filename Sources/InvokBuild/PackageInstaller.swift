import Invok
import InvokConcurrency
import InvokPOSIX
import InvokRuntimes

/// Installs the packages that functions ask for, each set of them once.
final class PackageInstaller: Sendable {
    /// The longest that one installation may take: what it downloads comes from far away.
    private static let deadlineSeconds = 300
    /// Says to a plan's command that there are registries.
    private static let registriesVariable = "INVOK_REGISTRIES"

    private static let reused =
        "The packages are those of an earlier deploy: nothing that they follow from has changed."

    /// A set that a build may use until it is released.
    struct Installed: Sendable {
        /// The folder with the packages; `nil` where there are none.
        let path: String?
        let log: String
        fileprivate let key: PackageSets.Key
    }

    private let place: any BuildPlace
    private let sets: PackageSets
    private let folders: BuildFolders
    private let flights = SingleFlight<PackageSets.Key, Result<String, BuildError>>()

    init(place: any BuildPlace, folders: BuildFolders) {
        self.place = place
        self.folders = folders
        sets = PackageSets(directory: "\(place.bundlesDirectory)/.packages", quarantine: place.quarantine)
    }

    /// The packages of a plan, installed now where they have not been before. Give them back with `release`.
    func install(
        _ plan: InstallPlan, by tool: BuildTool, for source: SourceArchive, of namespace: Namespace,
        in context: BuildContext
    ) async throws(BuildError) -> Installed {
        let runtime = source.config.runtime
        let inputs = try await place.disk.run { () throws(BuildError) in try Self.digest(plan, tool, runtime) }
        let key = PackageSets.Key(of: namespace, runtime: runtime, inputs: inputs)
        sets.hold(key)
        do throws(BuildError) {
            if await place.onDisk({ [sets] in sets.touch(key) }) {
                context.onLine(Self.reused)
                return await installed(key, Self.reused + "\n")
            }
            let result = await flights.value(for: key) {
                do throws(BuildError) {
                    return .success(try await self.make(key, plan, tool, runtime, context))
                } catch {
                    return .failure(error)
                }
            }
            if Task.isCancelled { throw .cancelled }
            return await installed(key, try result.get())
        } catch {
            sets.release(key)
            throw error
        }
    }

    func release(_ installed: Installed) { sets.release(installed.key) }

    private func installed(_ key: PackageSets.Key, _ log: String) async -> Installed {
        let path = sets.path(of: key)
        let isEmpty = await place.onDisk { Files.names(in: path).isEmpty }
        return Installed(path: isEmpty ? nil : path, log: log, key: key)
    }

    /// Names all that is installed by: the same registries are taken to give the same.
    private static func digest(
        _ plan: InstallPlan, _ tool: BuildTool, _ runtime: Runtime
    ) throws(BuildError) -> Digest {
        var lines = [tool.name, tool.identity, "\(RuntimeSupport.of(runtime).recipeVersion)", plan.output]
        lines += plan.command + plan.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        for (path, content) in plan.files.sorted(by: { $0.key < $1.key }) {
            do throws(InvokError) {
                lines += [path, "\(try Digest(reading: content))"]
            } catch {
                throw BuildError(reading: error)
            }
        }
        return Digest(of: lines.map { "\($0.utf8.count) \($0)\n" }.joined().utf8)
    }

    private func make(
        _ key: PackageSets.Key, _ plan: InstallPlan, _ tool: BuildTool, _ runtime: Runtime, _ context: BuildContext
    ) async throws(BuildError) -> String {
        let folder = folders.next()
        do throws(BuildError) {
            let log = try await run(plan, tool, runtime, in: folder, context)
            do throws(SystemError) {
                try await place.disk.run { [sets] () throws(SystemError) in
                    try sets.publish(folder.bundle, as: key)
                    sets.removeOld(besides: key)
                }
            } catch {
                throw BuildError(writing: error)
            }
            await place.onDisk { [quarantine = place.quarantine] in quarantine.removeLater(folder.path) }
            return log
        } catch {
            await place.onDisk { [quarantine = place.quarantine] in quarantine.removeLater(folder.path) }
            throw error
        }
    }

    private func run(
        _ plan: InstallPlan, _ tool: BuildTool, _ runtime: Runtime, in folder: BuildFolder, _ context: BuildContext
    ) async throws(BuildError) -> String {
        try await place.disk.run { () throws(BuildError) in try folder.stage(plan.files) }
        var isolation = BuildRun.isolation(plan.environment, plan.command, tool)
        let door = try await openDoor(in: folder, for: tool, &isolation)
        folder.offer(to: &isolation, keepingAllIn: plan.output)
        let receiver = folder.receiver()
        let result: Result<CapturedRun, BuildError>
        do throws(BuildError) {
            result = .success(
                try await BuildRun(
                    isolation: isolation, tool: tool, receiver: receiver, deadlineSeconds: Self.deadlineSeconds,
                    context: context
                ).run(in: place))
        } catch {
            result = .failure(error)
        }
        let failures = door?.failures ?? []
        for failure in failures { context.onLine(failure) }
        await door?.close()
        let run = try result.get()
        let log = BuildRun.readable(run.output) + failures.map { $0 + "\n" }.joined()
        guard run.status.code == 0 else {
            let reason =
                run.outOfMemoryKills > 0
                ? "the installation of the packages ran out of memory"
                : failures.first ?? RuntimeSupport.of(runtime).installFailureReason(log: log)
            throw .failed(reason: reason, log: log)
        }
        if let failure = await place.onDisk({ receiver.finish() }) { throw BuildRun.error(failure, log: log) }
        try await BuildRun.check(folder.bundle, context, log: log, in: place)
        return log
    }

    /// Lets the command reach the registries, where this server's builds may.
    private func openDoor(
        in folder: BuildFolder, for tool: BuildTool, _ isolation: inout Isolation
    ) async throws(BuildError) -> (any RegistryDoor)? {
        guard let registries = place.registries else { return nil }
        let place = place
        do throws(SystemError) {
            let program = try await place.disk.run { () throws(SystemError) in try place.installInit(in: folder.path) }
            let door = try await registries.open(at: folder.registrySocket)
            isolation.mounts += [
                .init(source: program, destination: RegistryPlace.program),
                .init(source: folder.registrySocket, destination: RegistryPlace.socket),
            ]
            isolation.environment.merge(registries.environment(for: tool.name)) { $1 }
            isolation.environment[Self.registriesVariable] = "1"
            isolation.command = RegistryPlace.wrap(isolation.command)
            return door
        } catch {
            throw BuildError(writing: error)
        }
    }
}
