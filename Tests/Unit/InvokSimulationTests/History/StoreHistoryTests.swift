import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

struct StoreHistoryTests {
    private let history = StoreHistory()
    private let key: FunctionKey

    init() throws {
        key = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
    }

    private func note(_ call: FunctionModel.Call, _ outcome: FunctionModel.Outcome?) {
        history.end(history.begin(call, about: key), about: key, outcome)
    }

    private static let activation = FunctionModel.Call.activateBuilt(2, expectedActive: 1, access: nil)

    @Test func anActivationOfWhichNobodyCouldSayWhatCameOfIt() {
        note(Self.activation, nil)
        note(.function, nil)
        #expect(history.isUnanswered(key, active: 2))
        #expect(!history.isUnanswered(key, active: 3))
    }

    @Test func anActivationThatWasAskedAbout() {
        note(.function, nil)
        note(Self.activation, nil)
        note(.function, .function(access: .private, active: 2))
        #expect(!history.isUnanswered(key, active: 2))
    }

    @Test func anActivationThatWasAnswered() {
        note(Self.activation, .done)
        note(.function, nil)
        #expect(!history.isUnanswered(key, active: 2))
    }
}
