import Invok
import InvokSim

/// Brings the faults that no effect brings: crashes, losses, restarts.
struct SimDisturbance: Sendable {
    let cluster: SimCluster

    private var faults: SimFaultPlan { cluster.faults }

    /// Ends when faults stop.
    func run() async {
        await withDiscardingTaskGroup { group in
            for fault in [
                SimFault.coreCrash, .coreRestart, .instanceCrash, .cacheLoss, .storeHang, .cacheHang, .slowCPU,
                .fullDisk,
            ] {
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
        case .instanceCrash: await crashInstances()
        case .storeHang: hang("store", fault)
        case .cacheHang: hang("cache", fault)
        case .slowCPU: slowMachine()
        case .fullDisk: fillDisk()
        default:
            guard faults.strike(fault, choices: 1) != nil else { return }
            cluster.effects.note("the cache forgets everything")
            cluster.cache.forgetAll()
            cluster.checker.mark("cache lost")
        }
    }

    /// Nothing of it answers for up to half a minute.
    private func hang(_ port: Substring, _ fault: SimFault) {
        guard let choice = faults.strike(fault, choices: 30) else { return }
        cluster.effects.note("the \(port) hangs")
        cluster.effects.hang(port, for: .seconds(choice + 1))
        cluster.checker.mark("\(port) hung")
    }

    /// One machine is slow for up to half a minute.
    private func slowMachine() {
        let nodes = cluster.nodes
        guard let choice = faults.strike(.slowCPU, choices: nodes.count * 30) else { return }
        let node = nodes[choice % nodes.count]
        cluster.effects.note("the processors of \(node.name) are slow")
        node.processors.slow(by: 4, for: .seconds(choice / nodes.count + 1))
        cluster.checker.mark("processors slow")
    }

    /// The disk of one machine is nearly full for up to a minute.
    private func fillDisk() {
        let nodes = cluster.nodes
        guard let choice = faults.strike(.fullDisk, choices: nodes.count * 30) else { return }
        let node = nodes[choice % nodes.count]
        cluster.effects.note("the disk of \(node.name) is nearly full")
        node.disk.fill(for: .seconds(30 + choice / nodes.count))
        cluster.checker.mark("disk nearly full")
    }

    /// One instance ends, or all of a machine at the same time, as when it is short of memory.
    private func crashInstances() async {
        let running = cluster.nodes.flatMap { node in node.engine.running.map { (engine: node.engine, id: $0.id) } }
        guard let choice = faults.strike(.instanceCrash, choices: running.count * 4) else { return }
        let chosen = running[choice % running.count]
        let engine = chosen.engine
        let victims = choice < running.count ? engine.running.map(\.id) : [chosen.id]
        for id in victims { cluster.effects.note("\(id) crashes") }
        await withDiscardingTaskGroup { group in
            for id in victims { group.addTask { await engine.crash(id) } }
        }
        cluster.checker.mark(victims.count > 1 ? "instances crashed together" : "instance crashed")
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
