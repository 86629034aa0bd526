import InvokModel

extension FunctionTemplate {
    var python: [String: String] {
        [
            "function.py": """
            def handler(request):
                \"""Answers every request for /\(name) and the paths below it.\"""
                return "Hello from \(name)!\\n"

            """,
            "requirements.txt":
                "# The packages that the function needs, a line each; they are installed at each deploy that changes them.\n",
        ]
    }
}
