import Testing

@testable import InvokCLI

@Suite struct InvokeRequestTests {
    @Test func readsHeaders() {
        #expect(InvokeRequest.header("X-A:  b: c ")?.name == "X-A")
        #expect(InvokeRequest.header("X-A:  b: c ")?.value == "b: c")
        #expect(InvokeRequest.header("X-A:")?.value == "")
        for wrong in ["X-A", ": b", "X A: b", "X-A: b\r\nY: c", "X-A : b"] {
            #expect(InvokeRequest.header(wrong) == nil)
        }
    }

    @Test(arguments: ["", "/a", "a/b?x=1", "?x=1&y=%20"])
    func takesPaths(_ text: String) { #expect(InvokeRequest.isPath(text)) }

    @Test(arguments: ["http://evil/", "//evil/", "/a b", "/a#b", "/\u{E9}", "\\\\evil", "/a\n"])
    func takesNoOtherHost(_ text: String) { #expect(!InvokeRequest.isPath(text)) }

    @Test func guessesTheContentType() throws {
        #expect(try RequestBody(" {}").contentType == "application/json")
        #expect(try RequestBody("hi").contentType == "text/plain; charset=utf-8")
        #expect(try RequestBody("@/dev/null").contentType == "application/octet-stream")
        #expect(throws: Failure.self) { try RequestBody("@/nowhere/at/all") }
    }
}
