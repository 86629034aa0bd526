import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import InvokProxy

/// An established parser (llhttp, as NIO has it) takes the same samples the same way, or it is said why not.
struct OtherParserTests {
    /// What it makes of an answer; `nil` when it refuses it.
    static func meaning(of sample: ResponseSample) throws -> FedResponse? {
        let channel = EmbeddedChannel()
        let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop)
        try channel.pipeline.syncOperations.addHandlers(HTTPRequestEncoder(), ByteToMessageHandler(decoder))
        let method: HTTPMethod = sample.isHeadRequest ? .HEAD : .GET
        channel.pipeline.writeAndFlush(
            HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: method, uri: "/")), promise: nil)
        var (status, body) = (0, [UInt8]())
        do {
            try channel.writeInbound(ByteBuffer(string: sample.text))
            _ = try channel.finish(acceptAlreadyClosed: true)
        } catch {
            // It may have read all of one before it found fault with what comes behind.
        }
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): body += bytes.readableBytesView
            case .end: return .answer(status, body, reusable: true)
            }
        }
        return nil
    }

    @Test(arguments: ResponseSample.all) func agreesOrItIsSaidWhyNot(sample: ResponseSample) throws {
        let other = try Self.meaning(of: sample)
        let agrees =
            switch (sample.meaning, other) {
            case (.fault, nil): true
            case (.answer(let status, let body, _), .answer(let otherStatus, let otherBody, _)?):
                status == otherStatus && body == otherBody
            default: false
            }
        if agrees {
            #expect(sample.difference == nil, "it agrees")
        } else {
            #expect(sample.difference != nil, "\(sample.meaning), and it says \(String(describing: other))")
        }
    }

    // MARK: Requests

    /// What it makes of a request; `nil` when it refuses it or waits for more.
    static func meaning(of sample: RequestSample) throws -> FedRequest? {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        var (head, body) = (HTTPRequestHead?.none, [UInt8]())
        do {
            try channel.writeInbound(ByteBuffer(string: sample.text))
        } catch {
            // It may have read all of one before it found fault with what comes behind.
        }
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let new): head = new
            case .body(let bytes): body += bytes.readableBytesView
            case .end:
                guard let head else { return nil }
                return .request(
                    head.method.rawValue, head.uri, host: nil, body: body, keepsAlive: head.isKeepAlive)
            }
        }
        return nil
    }

    @Test(arguments: RequestSample.all) func agreesAboutRequestsOrItIsSaidWhyNot(sample: RequestSample) throws {
        let other = try Self.meaning(of: sample)
        let agrees =
            switch (sample.meaning, other) {
            case (.fault, nil), (.part, nil): true
            case (
                .request(let method, let target, _, let body, _),
                .request(let otherMethod, let uri, _, let otherBody, _)?
            ):
                // What stands before the path of an absolute target is taken off by whoever uses that parser.
                method == otherMethod && uri.hasSuffix(target) && body == otherBody
            default: false
            }
        if agrees {
            #expect(sample.difference == nil, "it agrees")
        } else {
            #expect(sample.difference != nil, "\(sample.meaning), and it says \(String(describing: other))")
        }
    }
}
