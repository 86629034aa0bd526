import Invok
import InvokSim

extension SimConvergence {
    /// How long after the end of the last instance all that a deleted function held is gone, and how long cores may take
    /// to hear of a change that none of them has made.
    private static let retentionLimit = Duration.seconds(60)

    /// What nothing names is gone from every store and machine, and of no function more versions are kept than should be.
    func checkCollected() {
        let tables = cluster.store.contents
        let named = tables.references
        let archives = cluster.artifacts.kept.subtracting(named.artifacts)
        cluster.checker.require(archives.isEmpty, "archives are kept that nothing names: \(archives.sorted())")
        let logs = cluster.logs.kept.subtracting(named.functions)
        cluster.checker.require(logs.isEmpty, "logs are kept of functions that are gone: \(logs.sorted())")
        for node in cluster.nodes {
            let bundles = node.builder.kept.subtracting(named.bundles)
            cluster.checker.require(
                bundles.isEmpty, "\(node.name) keeps bundles that nothing names: \(bundles.sorted())")
        }
        let expired = tables.expired(Retention(cluster.settings.quota, at: cluster.clock.wallTime()))
        cluster.checker.require(expired.isEmpty, "versions are kept that should have gone: \(expired)")
    }

    /// All functions are deleted: soon nothing is left of any.
    func deleteAll() async {
        guard let life = cluster.nodes.compactMap(\.life).first else { return }
        for property in properties {
            for model in property.functions where cluster.store.contents.functions[model.key] != nil {
                _ = await cluster.front(to: life).delete(model.key, token: property.token)
            }
        }
        // The token of a disabled user does not count; an operator has to do it.
        let store = RecordingMetadataStore(cluster.store, into: cluster.history)
        for key in cluster.store.contents.functions.keys.sorted() { try? await store.deleteFunction(key) }
        await cluster.sleep(cluster.settings.reconcileInterval + Self.retentionLimit)
        checkCollected()
        let left = cluster.store.contents.references
        cluster.checker.require(left.functions.isEmpty, "functions are left: \(left.functions.sorted())")
        cluster.checker.mark("all was deleted")
    }
}
