import Testing

@testable import InvokProxy
@testable import InvokProxyTests

/// Another established parser (Go's `net/http`) takes the same samples the same way, or it is said why not.
@Suite(.timeLimit(.minutes(5)))
struct GoParserTests {
    @Test func agreesAboutRequestsOrItIsSaidWhyNot() async throws {
        let samples = RequestSample.all
        let meanings = try await GoParser.meanings(of: samples.map { .init(kind: .request, text: $0.text) })
        try #require(meanings.count == samples.count)
        for (sample, other) in zip(samples, meanings) {
            let agrees =
                switch sample.meaning {
                case .fault, .part: !other.error.isEmpty
                case .request(let method, let target, let host, let body, let keepsAlive):
                    // What stands before the path of an absolute target is taken off by whoever uses that parser.
                    other.error.isEmpty && other.method == method && other.target.hasSuffix(target)
                        && other.host == host ?? "" && other.bytes == body
                        && other.close == !keepsAlive
                }
            check(agrees, sample.goDifference, "\(sample.testDescription): \(sample.meaning), and it says \(other)")
        }
        #expect(Set(RequestSample.goDifferences.keys).isSubset(of: Set(samples.map(\.text))), "there is no such sample")
    }

    @Test func agreesAboutAnswersOrItIsSaidWhyNot() async throws {
        let samples = ResponseSample.all
        let meanings = try await GoParser.meanings(
            of: samples.map { .init(kind: $0.isHeadRequest ? .answerToHead : .answer, text: $0.text) })
        try #require(meanings.count == samples.count)
        for (sample, other) in zip(samples, meanings) {
            let agrees =
                switch sample.meaning {
                case .fault: !other.error.isEmpty
                case .answer(let status, let body, let reusable):
                    other.error.isEmpty && other.status == status && other.bytes == body
                        && other.close == !reusable
                }
            check(agrees, sample.goDifference, "\(sample.testDescription): \(sample.meaning), and it says \(other)")
        }
        #expect(
            Set(ResponseSample.goDifferences.keys).isSubset(of: Set(samples.map(\.text))), "there is no such sample")
    }

    private func check(_ agrees: Bool, _ difference: String?, _ found: String) {
        if agrees { #expect(difference == nil, "it agrees: \(found)") } else { #expect(difference != nil, "\(found)") }
    }
}
