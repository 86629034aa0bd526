import Testing

@testable import InvokRedis

@Suite struct EnvelopeTests {
    @Test(arguments: ["", "a b", "\n", "x"])
    func othersReadWhatWasSent(_ message: String) {
        #expect(Envelope.open(Envelope.seal(message, from: "me"), except: "you") == message)
    }

    @Test func onesOwnMessagesAreKnownAlready() {
        #expect(Envelope.open(Envelope.seal("x", from: "me"), except: "me") == nil)
    }

    @Test func whatHasNoSenderIsNone() {
        #expect(Envelope.open("x", except: "me") == nil)
    }
}
