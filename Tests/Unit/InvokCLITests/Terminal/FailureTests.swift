import InvokModel
import Testing

@testable import InvokCLI

@Suite struct FailureTests {
    private let host = HostAddress.standard

    @Test func saysWhatWhyAndWhatNext() {
        let failure = Failure("x", "it broke", nextStep: "mend it", buildLog: "a.go:1: no\n\tb\n")
        #expect(failure.text == "Error: it broke\n  a.go:1: no\n  \tb\nNext: mend it")
    }

    @Test func aRefusedTokenMeansLogInAgain() {
        let failure = Failure(problem(401, "unauthenticated", "the token has expired"), host: host)
        #expect(failure.status == .notLoggedIn)
        #expect(failure.message == "http://localhost:3000 does not accept your login: the token has expired")
        #expect(failure.nextStep?.contains("invok login") == true)
    }

    @Test func aWrongPasswordIsAnOrdinaryFailure() {
        #expect(Failure(problem(401, "wrong_credentials", "no"), host: host).status == .failure)
    }

    @Test func onlyServerErrorsShowTheRequest() {
        #expect(Failure(problem(500, "internal", "no"), host: host).text.hasSuffix("Request: r1"))
        #expect(Failure(problem(409, "conflict", "no"), host: host).requestID == nil)
    }

    @Test func anUnknownCodeOfANewerServerIsShown() {
        #expect(Failure(problem(418, "teapot", "short and stout"), host: host).text == "Error: short and stout")
    }

    @Test func anUnreachableLocalServerCanBeStarted() throws {
        #expect(Failure.unreachable(host, "refused").nextStep?.contains("invok-core") == true)
        let far = try HostAddress("https://invok.example.com")
        #expect(Failure.unreachable(far, "refused").text.contains("https://invok.example.com: refused"))
    }

    private func problem(_ status: Int, _ code: String, _ detail: String) -> ProblemMessage {
        ProblemMessage(type: "about:blank", title: "t", status: status, detail: detail, code: code, requestID: "r1")
    }
}
