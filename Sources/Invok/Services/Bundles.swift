import Synchronization

/// The bundles that this core's machine has. One that another core built is built here from the shared archive, when
/// it is first needed.
final class Bundles: Sendable {
    /// More are not remembered; they are looked for again.
    static let rememberedLimit = 10_000

    /// What keeps bundles from being removed while they are looked for or built.
    let pins = Pins()
    private let world: World
    private let settings: SystemSettings
    private let builds: Admission
    /// The bundle to run for each that a version names: the same, unless this core builds by a newer recipe.
    private let here = Mutex<[BundleID: BundleID]>([:])

    /// - Parameter builds: the places of builds, which deploys take from too.
    init(world: World, settings: SystemSettings, builds: Admission) {
        self.world = world
        self.settings = settings
        self.builds = builds
    }

    /// Sees to it that the bundle is there.
    /// - Returns: the bundle to run.
    func need(_ bundle: BundleID, of version: Version) async throws(InstanceStarter.Failure) -> BundleID {
        let built = world.builder.bundle(
            of: version.artifact.asBuilt(in: version.key.function.namespace), for: version.settings.runtime)
        // Until it is remembered; from then on the version that runs it keeps it.
        let items = [Pins.Item.bundle(bundle), .bundle(built)]
        await pins.hold(items)
        defer { pins.release(items) }
        if let known = here.withLock({ $0[bundle] }) { return known }
        let found: BundleID
        if await isHere(bundle) { found = bundle } else { found = try await build(version) }
        here.withLock { here in
            if here.count >= Self.rememberedLimit { here = [:] }
            here[bundle] = found
        }
        return found
    }

    /// What this core runs in the place of bundles that versions name.
    func substitutes(for bundles: Set<BundleID>) -> Set<BundleID> {
        here.withLock { here in Set(here.lazy.filter { bundles.contains($0.key) }.map(\.value)) }
    }

    /// The bundle is about to be removed, or something is wrong with it: it is looked for when it is next needed.
    func forget(found bundle: BundleID) {
        here.withLock { here in
            for (named, found) in here where found == bundle { here[named] = nil }
        }
    }

    /// A builder that cannot say is taken to have it: the engine finds out.
    private func isHere(_ bundle: BundleID) async -> Bool {
        do throws(BuildError) { return try await world.builder.bundles().contains(bundle) } catch { return true }
    }

    private func build(_ version: Version) async throws(InstanceStarter.Failure) -> BundleID {
        do throws(InvokError) {
            return try await builds.run(for: version.key.function.namespace) { () throws(InvokError) in
                try await built(version)
            }
        } catch {
            throw InstanceStarter.Failure(
                reason: "this server does not have it yet and could not build it: \(error.message)")
        }
    }

    private func built(_ version: Version) async throws(InvokError) -> BundleID {
        let source = try await world.source(of: version.artifact, limits: settings.archiveLimits).source
        return try await Builds(world).build(source, version.artifact, of: version.key.function).bundle
    }
}

extension Digest {
    /// The name under which an archive is built: another one in each namespace. A build that takes no time and prints
    /// nothing would tell that somebody else has the same archive.
    func asBuilt(in namespace: Namespace) -> Digest { Digest(of: "\(namespace)\n\(self)".utf8) }
}
