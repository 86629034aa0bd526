import Foundation
import Testing

@testable import InvokModel

struct EntryPointTests {
    @Test(arguments: [
        ("app.py", "app.py", nil), ("src/app.py:app", "src/app.py", "app"), ("./a/b.go:Serve", "a/b.go", "Serve"),
        ("cmd/web/", "cmd/web", nil), (".:Handler", ".", "Handler"), ("a.js:$x.y_1", "a.js", "$x.y_1"),
        ("ünder.py:größe", "ünder.py", "größe"), ("app.main:app", "app.main", "app"),
    ])
    func pathsAndSymbolsAreTold(text: String, path: String, symbol: String?) throws {
        let entry = try EntryPoint(text)
        #expect(entry.path == path && entry.symbol == symbol)
        let stored = try JSONDecoder().decode(EntryPoint.self, from: JSONEncoder().encode(entry))
        #expect(stored == entry)
    }

    @Test(arguments: [
        "", "/etc/passwd", "../a.py", "a/../b.py", "a//b.py", "a.py:", "a.py:1x", "a.py:f()", "a.py:a b", "a.py:.a",
        "a\\b.py", "a\nb.py", "a:b:c", String(repeating: "a", count: 513),
    ])
    func whatIsNoEntryIsRefused(text: String) {
        let error = #expect(throws: InvokError.self) { try EntryPoint(text) }
        #expect(error?.code == .invalidConfig && error?.message.hasPrefix("entry is '") == true)
        #expect((error?.message.utf8.count ?? .max) < 300)
    }
}
