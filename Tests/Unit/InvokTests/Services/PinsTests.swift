import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct PinsTests {
    private static let item = Pins.Item.bundle(BundleID(Digest(of: [1])))

    private func isRemoved(_ pins: Pins) async -> Bool {
        let counter = Counter()
        await pins.remove(Self.item) { _ = counter.next() }
        return counter.next() == 2
    }

    @Test func whatIsHeldStays() async {
        let pins = Pins()
        await pins.hold([Self.item])
        await pins.hold([Self.item])
        pins.release([Self.item])
        pins.beginCollection()
        #expect(await !isRemoved(pins))
        pins.release([Self.item])
        // Held when the collection began: what it has read may be true no more.
        #expect(await !isRemoved(pins))
        pins.endCollection()
        #expect(await !isRemoved(pins))
        pins.beginCollection()
        #expect(await isRemoved(pins))
    }

    @Test func whatWasHeldDuringTheCollectionStays() async {
        let pins = Pins()
        pins.beginCollection()
        await pins.hold([Self.item])
        pins.release([Self.item])
        #expect(await !isRemoved(pins))
    }

    @Test func whoeverWantsWhatIsBeingRemovedWaits() async {
        let (pins, gate, order) = (Pins(), Gate(), Order())
        pins.beginCollection()
        await withDiscardingTaskGroup { group in
            group.addTask {
                await pins.remove(Self.item) {
                    await gate.pass()
                    order.append(1)
                }
            }
            await gate.reached()
            group.addTask {
                await pins.hold([Self.item])
                order.append(2)
            }
            for _ in 0..<100 { await Task.yield() }
            #expect(order.numbers.isEmpty)
            gate.open()
        }
        #expect(order.numbers == [1, 2])
        #expect(await !isRemoved(pins))
    }
}
