import NIOCore
import NIOEmbedded
import Testing

@testable import InvokProxy

struct InstanceConnectionHandlerTests {
    /// What came of an answer, by name.
    private final class Seen: AnswerReceiver {
        var parts: [String] = []

        func onAnswer(_ part: AnswerPart) {
            switch part {
            case .head: parts.append("head")
            case .body(let bytes): parts.append("body \(bytes.readableBytes)")
            case .end: parts.append("end")
            }
        }
        func onAnswerRead() {}
        func onAnswerFailed(_ error: any Error) { parts.append("failed") }
        func onWritable() {}
    }

    private func answer(_ text: String, then end: (EmbeddedChannel) -> Void) throws -> [String] {
        let (channel, seen) = (EmbeddedChannel(), Seen())
        let handler = InstanceConnectionHandler(limits: HeadLimits())
        try channel.pipeline.syncOperations.addHandler(handler)
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/function"), promise: nil)
        handler.begin(isHeadRequest: false, upgrade: nil, receiver: seen)
        try channel.writeInbound(ByteBuffer(string: text))
        end(channel)
        return seen.parts
    }

    @Test func anAnswerThatEndsWithItsConnectionIsWhole() throws {
        let parts = try answer("HTTP/1.0 200 OK\r\n\r\nold") { $0.close(promise: nil) }
        #expect(parts.prefix(3) == ["head", "body 3", "end"])
    }

    /// A reset says that the answer is not whole, also where nothing but the end of the connection tells its end.
    @Test func anAnswerThatEndsWithAResetIsNotWhole() throws {
        let parts = try answer("HTTP/1.0 200 OK\r\n\r\nold") { channel in
            channel.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
            channel.close(promise: nil)
        }
        #expect(parts == ["head", "body 3", "failed"])
    }
}
