import Invok
import Testing

@testable import InvokAPI

struct InvocationPathTests {
    @Test(arguments: [
        ("/invok/n/f", "n", "f", ""), ("/invok/n/f/", "n", "f", "/"), ("/invok/n/f?a=/b", "n", "f", "?a=/b"),
        ("/invok/n/f/a%2Fb/../c?q", "n", "f", "/a%2Fb/../c?q"), ("/invok/list/x", "list", "x", ""),
    ])
    func takesApart(path: String, namespace: String, name: String, rest: String) {
        #expect(
            InvocationTarget(requestPath: path) == InvocationTarget(namespace: namespace, name: name, rest: rest))
    }

    @Test(arguments: [
        "/invok/list", "/invok/deploy?namespace=a/b", "/invok/logs/n/f", "/invok/n", "/invok/n/", "/invok//f",
        "/invokx/n/f", "/api/v1/me", "/", "",
    ])
    func leavesTheControlAPI(path: String) {
        #expect(InvocationTarget(requestPath: path) == nil)
    }
}
