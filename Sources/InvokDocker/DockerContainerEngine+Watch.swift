import Foundation
import Glibc
public import Invok
import InvokConcurrency
import InvokPOSIX
import Logging
import Synchronization

// What the engine says of containers, also of those that another process started.
extension DockerContainerEngine {
    private static let longestWait = Duration.seconds(2)

    public func list() async throws(EngineError) -> [RunningInstance] {
        let prepared = try await host.prepared()
        // Asked before the engine is: what starts while it answers, the answer may not have.
        let expected = all.filter { $0.running != nil }
        let found: [ContainerMessage]
        do throws(DockerError) {
            found = try await containers(prepared.plan.owner)
        } catch {
            throw host.unavailable(error)
        }
        var running: [RunningInstance] = []
        var leftovers: [ContainerMessage] = []
        for container in found {
            switch sort(container) {
            case .runs(let instance): running.append(instance)
            case .leftover: leftovers.append(container)
            case .busy: break
            }
        }
        noteEnds(of: expected, without: found)
        await withDiscardingTaskGroup { group in
            for container in leftovers { group.addTask { await self.removeLeftover(container) } }
        }
        return running.sorted { $0.id < $1.id }
    }

    private enum Sorted {
        case runs(RunningInstance)
        /// Of a core that is gone.
        case leftover
        /// This process is starting or ending it.
        case busy
    }

    private func sort(_ container: ContainerMessage) -> Sorted {
        let labels = container.labels ?? [:]
        guard let (id, version, share, generation) = ContainerPlan.instance(labels: labels) else {
            let build = labels[ContainerPlan.Label.build] ?? ""
            return host.builds.withLock { $0.contains(build) } ? .busy : .leftover
        }
        if let instance = known(id) {
            guard container.isRunning, let running = instance.running else { return .busy }
            return .runs(running)
        }
        guard container.isRunning else { return .leftover }
        return adopt(id, version, share, generation, container: container.id).map { .runs($0) } ?? .busy
    }

    private func removeLeftover(_ container: ContainerMessage) async {
        let id = ContainerPlan.instance(labels: container.labels ?? [:])?.id
        logger.info("a container of an earlier core is removed", metadata: ["container": "\(container.id.prefix(12))"])
        await remove(container.id, container.id.prefix(12).description)
        if let id { try? InstanceFolder(of: id, in: host.runDirectory).remove() }
    }

    /// All of this installation, whatever their state.
    func containers(_ owner: String) async throws(DockerError) -> [ContainerMessage] {
        let bytes = try await client.call(
            .get, "/containers/json",
            ["all": "1", "filters": Self.filters(["label": ["\(ContainerPlan.Label.owner)=\(owner)"]])])
        return try client.decode(bytes)
    }

    static func filters(_ filters: [String: [String]]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(filters)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    // MARK: Ends

    public func exits() -> AsyncStream<InstanceExit> {
        let exits = exitsOfAll.messages(on: true)
        return AsyncStream(bufferingPolicy: .bufferingNewest(1024)) { continuation in
            // Unstructured, since a stream has no task of its own; ends with the stream.
            let forwarding = Task {
                for await exit in exits { continuation.yield(exit) }
            }
            let watching = Task { await self.watch() }
            continuation.onTermination = { _ in
                watching.cancel()
                forwarding.cancel()
            }
        }
    }

    /// Reads the engine's events until the task is cancelled, again after each break. What happened meanwhile the list
    /// tells, and mends.
    private func watch() async {
        var wait = Duration.milliseconds(50)
        while !Task.isCancelled {
            if let prepared = try? await host.prepared() {
                var splitter = EventLines()
                let filters = Self.filters([
                    "type": ["container"], "event": ["die"],
                    "label": ["\(ContainerPlan.Label.owner)=\(prepared.plan.owner)"],
                ])
                do throws(DockerError) {
                    try await client.stream(.get, "/events", ["filters": filters]) {
                        wait = .milliseconds(50)
                        // Also removes what could not be removed while there was no engine.
                        _ = try? await list()
                    } receive: { (bytes) throws(DockerError) in
                        for event in splitter.append(bytes) { noteEnd(event) }
                    }
                } catch {
                    if error != .cancelled {
                        logger.warning("Docker's events broke off", metadata: ["reason": "\(error.description)"])
                    }
                }
            }
            do throws(CancellationError) {
                try await host.clock.sleep(until: host.clock.now().advanced(by: wait))
            } catch {
                return
            }
            wait = min(wait * 2, Self.longestWait)
        }
    }

    private func noteEnd(_ event: EventMessage) {
        guard let text = event.actor.attributes?[ContainerPlan.Label.instance], let id = InstanceID(text),
            let instance = known(id), instance.container == event.actor.id
        else { return }
        noteEnd(of: instance)
    }

    /// Finds those that ran before the engine was asked, and do not by its answer.
    private func noteEnds(of expected: [DockerInstance], without found: [ContainerMessage]) {
        let running = Set(found.filter(\.isRunning).map(\.id))
        for instance in expected where !running.contains(instance.container ?? "") { noteEnd(of: instance) }
    }

    private func noteEnd(of instance: DockerInstance) {
        guard instance.containerEnded(), case .ours = instance.beginEnding() else { return }
        // Unstructured, since the next event shall not wait for this; ends with the removal.
        Task {
            let reason = await reason(ofEnd: instance.container ?? "") ?? "was lost"
            exitsOfAll.send(InstanceExit(id: instance.id, reason: reason), on: true)
            await end(instance, grace: .zero)
        }
    }

    /// How a container ended, in words; `nil` when the engine does not say.
    func reason(ofEnd container: String) async -> String? {
        var reason: String?
        for look in 0..<Self.looksForMemory {
            if look > 0 { try? await host.clock.sleep(until: host.clock.now().advanced(by: .milliseconds(50))) }
            guard let state = await state(ofEnd: container) else { return reason }
            reason = state.status.reason(outOfMemoryKills: state.isOutOfMemory ? 1 : 0, memoryBytes: state.memoryBytes)
            guard state.status.code == 128 + SIGKILL, !state.isOutOfMemory else { return reason }
        }
        return reason
    }

    /// The engine hears of the kernel's kill for want of memory by another way than of the end, and at times later.
    private static let looksForMemory = 5

    private func state(
        ofEnd container: String
    ) async -> (status: ExitStatus, isOutOfMemory: Bool, memoryBytes: Int)? {
        do throws(DockerError) {
            let inspection: InspectionMessage = try client.decode(
                await client.call(.get, "/containers/\(container)/json"))
            guard !inspection.state.running else { return nil }
            return (
                ExitStatus(code: inspection.state.exitCode), inspection.state.outOfMemory == true,
                inspection.hostConfig.memory ?? 0
            )
        } catch {
            return nil
        }
    }
}

/// Cuts the stream of events, a JSON object a line, into events.
struct EventLines: Sendable {
    private var rest: [UInt8] = []

    mutating func append(_ bytes: [UInt8]) -> [EventMessage] {
        rest += bytes
        var events: [EventMessage] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            // What cannot be read is no event that was asked for.
            if let event = try? JSONDecoder().decode(EventMessage.self, from: Data(rest[..<end])) {
                events.append(event)
            }
            rest.removeFirst(end + 1)
        }
        return events
    }
}
