import Invok
import InvokSim
import Synchronization

/// A user: makes an account, then changes its functions and calls them at the same time.
final class SimClient: Sendable {
    private let number: Int
    private let cluster: SimCluster
    private let functionNames: [FunctionName]
    private let slowness: Int
    private let running = Mutex(0)
    private let account = Mutex<SimCluster.Account?>(nil)
    private let models = Mutex<[SimFunctionModel]>([])

    /// - Parameters:
    ///   - functions: the numbers of its functions; another user may have some of the same names.
    ///   - slowness: how many times longer than usual the pauses are.
    init(number: Int, functions: [Int], slowness: Int, cluster: SimCluster) {
        self.number = number
        self.slowness = slowness
        self.cluster = cluster
        functionNames = functions.compactMap { try? FunctionName("function-\($0)") }
    }

    var isIdle: Bool { running.withLock { $0 == 0 } }
    /// `nil` until it has an account.
    var property: SimConvergence.Property? {
        guard let account = account.withLock({ $0 }) else { return nil }
        return SimConvergence.Property(token: account.token, functions: models.withLock { $0 })
    }

    /// Works until users stop and what it has begun is answered.
    func run() async {
        running.withLock { $0 += 1 }
        defer { running.withLock { $0 -= 1 } }
        guard let account = await cluster.signUp("user \(number)") else { return }
        self.account.withLock { $0 = account }
        cluster.add(account)
        let models = functionNames.map {
            SimFunctionModel(key: FunctionKey(namespace: account.namespace, name: $0), clock: cluster.clock)
        }
        self.models.withLock { $0 = models }
        await withDiscardingTaskGroup { group in
            let device = SimDevice(user: "user \(number)", slowness: slowness, cluster: cluster)
            group.addTask { await device.run() }
            for model in models {
                let name = "user \(number) \(model.key.name)"
                // One function in four has two owners.
                var random = cluster.random("\(name) owners")
                for owner in 1...(random.below(4) == 0 ? 2 : 1) {
                    let owner = SimOwner(
                        name: "\(name) owner \(owner)", model: model, token: account.token, slowness: slowness,
                        isRival: owner == 2, cluster: cluster)
                    group.addTask { await owner.run() }
                }
                for visitor in 1...2 {
                    let visitor = SimVisitor(
                        name: "\(name) visitor \(visitor)", model: model, token: account.token, slowness: slowness,
                        cluster: cluster)
                    group.addTask { await visitor.run() }
                }
                if let bytes = cluster.bytes {
                    let caller = SimByteCaller(
                        name: "\(name) bytes", model: model, token: account.token, slowness: slowness,
                        cluster: cluster, bytes: bytes)
                    group.addTask { await caller.run() }
                }
            }
        }
    }
}
