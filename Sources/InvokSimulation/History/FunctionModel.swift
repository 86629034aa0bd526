public import Invok

/// What a `MetadataStore` does with one function, call after call, written down apart from every store.
public enum FunctionModel: SequentialModel {
    public enum Phase: Hashable, Sendable {
        case building, ready, failed
    }

    public struct State: Hashable, Sendable {
        /// `nil` when there is no such function.
        var access: Access?
        var active: Int?
        var phases: [Int: Phase] = [:]
        var lastNumber = 0
    }

    public enum Call: Hashable, Sendable {
        case function
        /// Whether it is listed among those that are active, and how.
        case active
        case version(Int)
        case versions
        case setAccess(Access)
        case delete
        case begin(Access)
        case activateBuilt(Int, expectedActive: Int?, access: Access?)
        case activate(Int, expectedActive: Int?)
        case fail(Int)
        /// Removes a version that is no use any more.
        case remove(Int)
        case nothing
    }

    public enum Outcome: Hashable, Sendable {
        case done
        case function(access: Access, active: Int?)
        case noFunction
        case number(Int)
        case version(Phase)
        case noVersion
        case versions([Int: Phase])
        case notFound
        case conflict
    }

    public static var initial: State { State() }

    public static func apply(_ call: Call, to state: inout State) -> Outcome {
        switch call {
        case .function:
            return state.access.map { .function(access: $0, active: state.active) } ?? .noFunction
        case .active:
            guard let access = state.access, let active = state.active else { return .noFunction }
            return .function(access: access, active: active)
        case .version(let number): return state.phases[number].map { .version($0) } ?? .noVersion
        case .versions: return .versions(state.phases)
        case .setAccess(let access):
            guard state.access != nil else { return .notFound }
            state.access = access
            return .done
        case .delete:
            guard state.access != nil else { return .notFound }
            state = State(lastNumber: state.lastNumber)
            return .done
        case .begin(let access):
            if state.access == nil { state.access = access }
            state.lastNumber += 1
            state.phases[state.lastNumber] = .building
            return .number(state.lastNumber)
        case .activateBuilt(let number, let expectedActive, let access):
            guard let phase = state.phases[number] else { return .notFound }
            guard phase == .building, state.active == expectedActive else { return .conflict }
            state.phases[number] = .ready
            state.active = number
            if let access { state.access = access }
            return .done
        case .activate(let number, let expectedActive):
            guard let phase = state.phases[number] else { return .notFound }
            guard phase == .ready, state.active == expectedActive else { return .conflict }
            state.active = number
            return .done
        case .fail(let number):
            if state.phases[number] == .building { state.phases[number] = .failed }
            return .done
        case .remove(let number):
            guard let phase = state.phases[number], phase != .building, number != state.active else {
                return .noVersion
            }
            state.phases[number] = nil
            return .done
        case .nothing: return .done
        }
    }

    public static func isRead(_ call: Call, giving outcome: Outcome) -> Bool {
        switch call {
        case .function, .active, .version, .versions, .nothing: true
        case .setAccess, .delete, .begin, .activateBuilt, .activate, .fail, .remove:
            outcome == .conflict || outcome == .notFound || outcome == .noVersion
        }
    }
}
