import Synchronization

/// The bundles that this core's machine has. One that another core built is built here from the shared archive, when
/// it is first needed.
final class Bundles: Sendable {
    /// More are not remembered; they are looked for again.
    static let rememberedLimit = 10_000

    private let world: World
    private let settings: SystemSettings
    /// The bundle to run for each that a version names: the same, unless this core builds by a newer recipe.
    private let here = Mutex<[BundleID: BundleID]>([:])

    init(world: World, settings: SystemSettings) {
        self.world = world
        self.settings = settings
    }

    /// Sees to it that the bundle is there.
    /// - Returns: the bundle to run.
    func need(_ bundle: BundleID, of version: Version) async throws(InstanceStarter.Failure) -> BundleID {
        if let known = here.withLock({ $0[bundle] }) { return known }
        let found: BundleID
        if await isHere(bundle) { found = bundle } else { found = try await build(version) }
        here.withLock { here in
            if here.count >= Self.rememberedLimit { here = [:] }
            here[bundle] = found
        }
        return found
    }

    /// Looks for the bundle again when it is next needed: something is wrong with it.
    func forget(_ bundle: BundleID) { here.withLock { $0[bundle] = nil } }

    /// A builder that cannot say is taken to have it: the engine finds out.
    private func isHere(_ bundle: BundleID) async -> Bool {
        do throws(BuildError) { return try await world.builder.bundles().contains(bundle) } catch { return true }
    }

    private func build(_ version: Version) async throws(InstanceStarter.Failure) -> BundleID {
        do throws(InvokError) {
            return try await built(version)
        } catch {
            throw InstanceStarter.Failure(
                reason: "this server does not have it yet and could not build it: \(error.message)")
        }
    }

    private func built(_ version: Version) async throws(InvokError) -> BundleID {
        let archive: [UInt8]
        do throws(ArtifactError) {
            archive = try await world.artifacts.get(version.artifact)
        } catch {
            throw InvokError(error)
        }
        let source = try SourceArchive(
            entries: await world.archives.entries(of: archive, limits: settings.archiveLimits))
        do throws(BuildError) {
            return try await world.builder.build(
                source, artifact: version.artifact.asBuilt(in: version.key.function.namespace)
            ).bundle
        } catch {
            throw InvokError(error)
        }
    }
}

extension Digest {
    /// The name under which an archive is built: another one in each namespace. A build that takes no time and prints
    /// nothing would tell that somebody else has the same archive.
    func asBuilt(in namespace: Namespace) -> Digest { Digest(of: "\(namespace)\n\(self)".utf8) }
}
