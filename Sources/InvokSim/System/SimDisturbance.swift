import Invok

/// Brings the faults that no effect brings: crashes, losses, restarts.
struct SimDisturbance: Sendable {
    let cluster: SimCluster

    private var faults: SimFaultPlan { cluster.faults }

    /// Ends when faults stop.
    func run() async {
        await withDiscardingTaskGroup { group in
            for fault in [SimFault.coreCrash, .coreRestart, .instanceCrash, .cacheLoss] {
                group.addTask {
                    while let pause = faults.pause(before: fault) {
                        await cluster.sleep(pause)
                        await strike(fault)
                    }
                }
            }
        }
    }

    private func strike(_ fault: SimFault) async {
        switch fault {
        case .coreCrash: await crashCore()
        case .coreRestart: await redeployCores()
        case .instanceCrash:
            let running = cluster.nodes.flatMap { node in node.engine.running.map { (node.engine, $0.id) } }
            guard let choice = faults.strike(fault, choices: running.count) else { return }
            cluster.effects.note("\(running[choice].1) crashes")
            await running[choice].0.crash(running[choice].1)
            cluster.checker.mark("instance crashed")
        default:
            guard faults.strike(fault, choices: 1) != nil else { return }
            cluster.effects.note("the cache forgets everything")
            cluster.cache.forgetAll()
            cluster.checker.mark("cache lost")
        }
    }

    private func crashCore() async {
        let nodes = cluster.nodes
        guard let choice = faults.strike(.coreCrash, choices: nodes.count * 2) else { return }
        let node = nodes[choice % nodes.count]
        guard await node.crash(takesInstances: choice >= nodes.count) else { return }
        cluster.checker.mark("core crashed")
        await cluster.sleep(.milliseconds(500))
        await node.boot()
    }

    /// One core after the other ends in good order and starts again, as a new release of Invok does.
    private func redeployCores() async {
        guard let choice = faults.strike(.coreRestart, choices: 2) else { return }
        for node in cluster.nodes {
            guard await node.drain(takesInstances: choice == 0) else { continue }
            cluster.checker.mark("core redeployed")
            await node.boot()
        }
    }
}
