import InvokModel

extension FunctionTemplate {
    /// The module is `invok/NAME`, since one named `time` or `log` would hide a package of Go itself.
    var go: [String: String] {
        let handler = name.goHandler
        return [
            "function.go": """
            package main

            import (
            \t"fmt"
            \t"net/http"
            )

            // \(handler) answers every request for /\(name) and the paths below it.
            func \(handler)(w http.ResponseWriter, r *http.Request) {
            \tfmt.Fprintln(w, "Hello from \(name)!")
            }

            """,
            "go.mod": "module invok/\(name)\n\ngo 1.23\n",
        ]
    }
}
