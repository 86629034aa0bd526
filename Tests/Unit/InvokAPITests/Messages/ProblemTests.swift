import HTTPTypes
import HummingbirdCore
import Invok
import NIOCore
import Testing

@testable import InvokAPI

struct ProblemTests {
    @Test func unforeseenErrorsSayNothing() {
        struct Secret: Error {}
        let error = Problem.invokError(Secret())
        #expect(error.code == .internal && !error.message.contains("Secret") && error.inner?.contains("Secret") == true)
        let inner = Problem.invokError(InvokError(.internal, "SELECT secret"))
        #expect(!inner.message.contains("secret") && inner.inner == "SELECT secret")
    }

    @Test func carriesWhatAClientNeeds() {
        let error = InvokError(.tooManyRequests, "too many", nextStep: "wait", retryAfterSeconds: 7)
        let response = Problem.response(for: error, requestID: "r1")
        #expect(response.status.code == 429 && response.headers[.retryAfter] == "7")
        #expect(response.headers[.contentType] == "application/problem+json")
    }

    @Test func everyCodeHasAnErrorStatus() {
        for code in InvokError.Code.allCases { #expect((400...599).contains(Problem.status(of: code).code)) }
    }
}
