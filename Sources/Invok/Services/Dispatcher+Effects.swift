import Logging
import Synchronization

// Carries out what the machine decided: starts, checks and stops instances.
extension Dispatcher {
    /// Starts and stops instances until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watchExits() }
            group.addTask { await self.runAlarms() }
            group.addTask { await Self.run(self.found.stream, atOnce: Self.foundAtOnce) }
            group.addTask { await self.runJobs() }
            group.addTask { await self.runRemarks() }
        }
    }

    private func runRemarks() async {
        for await remark in remarks.stream {
            await starter.note(remark.text, about: remark.instance.id, in: remark.instance.version.function)
        }
    }

    /// Runs jobs side by side, so many at a time.
    private static func run(_ jobs: AsyncStream<Job>, atOnce limit: Int) async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await job in jobs {
                if running == limit {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask(operation: job)
            }
        }
    }

    private func runJobs() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs.stream { group.addTask(operation: job) }
        }
    }

    private func start(_ id: InstanceID, of key: VersionKey) async {
        guard let version = state.withLock({ $0.fleet.pools[key]?.version }) else { return }
        let begun = world.clock.now()
        let result: Result<RunningInstance, InstanceStarter.Failure>
        switch await starter.prepare(id, of: version) {
        case .failure(let failure): result = .failure(failure)
        case .success(var spec):
            guard await turn(id, of: key) else { return }
            // Before its secrets are read: whatever is changed behind this is for a later one.
            spec.generation = state.withLock { $0.fleet.pools[key]?.machine.generation(of: id) ?? 0 }
            result = await starter.start(spec) { self.carryOut { $0.onRunning(id, now: $1) } }
        }
        calls.onStart(
            of: key.function, after: begun.duration(to: world.clock.now()), isReady: (try? result.get()) != nil)
        switch result {
        case .success(let instance):
            change(key, gone: id) { machine, now in machine.onInstanceReady(instance, now: now) }
        case .failure(let failure):
            change(key, gone: id) { machine, now in machine.onStartFailed(id, reason: failure.reason, now: now) }
        }
    }

    /// Waits for the instance's turn to start.
    /// - Returns: `false` when it is not wanted any more.
    private func turn(_ id: InstanceID, of key: VersionKey) async -> Bool {
        await withCheckedContinuation { turn in
            let now = world.clock.now()
            let effects = state.withLock { state -> [Effect] in
                guard !state.isStopped, state.fleet.pools[key]?.machine.contains(id) == true else {
                    return [.turn(turn, false)]
                }
                state.turns[id] = turn
                return apply(&state) { $0.onPrepared(id, of: key, now: now) }
            }
            carryOut(effects)
        }
    }

    private func stop(_ id: InstanceID, of key: VersionKey, grace: Duration) async {
        await world.engine.stop(id, grace: grace)
        change(key, gone: id) { machine, now in machine.onInstanceStopped(id, now: now) }
    }

    private func probe(_ instance: RunningInstance, of key: VersionKey) async {
        let isReady = await starter.isReady(instance, within: settings.probeTimeout)
        change(key) { machine, now in machine.onProbed(instance.id, isReady: isReady, now: now) }
    }

    private func probeFound(_ instance: RunningInstance, of key: VersionKey) async {
        let isReady = await starter.answers(instance, within: settings.adoptionTimeout)
        // A core that stops has not heard the instance out.
        guard isReady || !Task.isCancelled else { return }
        if isReady { logger.info("an instance was taken over", metadata: ["instance": "\(instance.id)"]) }
        change(key) { machine, now in machine.onProbed(instance.id, isReady: isReady, now: now) }
    }

    private func watchExits() async {
        await withDiscardingTaskGroup { group in
            for await exit in world.engine.exits() {
                guard let owner = state.withLock({ $0.fleet.owner(of: exit.id) }) else { continue }
                logger.info(
                    "an instance ended by itself", metadata: ["instance": "\(exit.id)", "reason": "\(exit.reason)"])
                change(owner, gone: exit.id) { machine, now in
                    machine.onInstanceExited(exit.id, reason: exit.reason, now: now)
                }
                // Meanwhile the next one is heard of: until then, it would be sent requests. There are no more of these
                // than instances.
                group.addTask { await self.cleanUp(exit, in: owner.function) }
            }
        }
    }

    private func cleanUp(_ exit: InstanceExit, in function: FunctionKey) async {
        // Its remains go too; nothing else stops it, since it is gone from the pool. Its last words come before ours.
        await world.engine.stop(exit.id, grace: .zero)
        await starter.note("instance \(exit.reason)", about: exit.id, in: function)
    }

    private func runAlarms() async {
        await withDiscardingTaskGroup { group in
            for await alarm in alarms.stream { group.addTask { await self.ring(at: alarm) } }
            giveUp()
        }
    }

    /// Waits for the alarm, then does what is due in any pool.
    private func ring(at alarm: Instant) async {
        do throws(CancellationError) { try await world.clock.sleep(until: alarm) } catch { return }
        carryOut { $0.onAlarm(now: $1) }
    }

    /// Turns away what waits, in order: nothing will start for it any more.
    private func giveUp() {
        let (waiters, turns) = state.withLock { state in
            state.isStopped = true
            state.fleet.removeAll()
            let waiters = state.requests.sorted { $0.key < $1.key }.compactMap { id, request -> Waiter? in
                guard case .waiting(let waiter) = request else { return nil }
                state.requests[id] = nil
                return waiter
            }
            let turns = state.turns.sorted { $0.key < $1.key }.map(\.value)
            state.turns = [:]
            return (waiters, turns)
        }
        for waiter in waiters { waiter.resume(returning: .failure(.cancelled)) }
        for turn in turns { turn.resume(returning: false) }
    }

    private func carryOut(_ event: (inout Fleet, Instant) -> [Fleet.Action]) {
        let now = world.clock.now()
        carryOut(state.withLock { state in apply(&state) { event(&$0, now) } })
    }

    func carryOut(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .resume(let waiter, let result): waiter.resume(returning: result)
            case .turn(let turn, let hasCome): turn.resume(returning: hasCome)
            case .start(let key, let id): jobs.continuation.yield { await self.start(id, of: key) }
            case .stop(let key, let id, let grace):
                jobs.continuation.yield { await self.stop(id, of: key, grace: grace) }
            case .probe(let key, let instance): jobs.continuation.yield { await self.probe(instance, of: key) }
            case .probeFound(let key, let instance):
                found.continuation.yield { await self.probeFound(instance, of: key) }
            case .note(let key, let id, let text):
                jobs.continuation.yield { await self.starter.note(text, about: id, in: key.function) }
            case .setAlarm(let instant): alarms.continuation.yield(instant)
            case .ring: bell.ring()
            }
        }
    }
}
