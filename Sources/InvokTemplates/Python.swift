import InvokModel

extension FunctionTemplate {
    var python: [String: String] {
        [
            "function.py": """
            def handler(request):
                \"""Answers every request for /\(name) and the paths below it.\"""
                return "Hello from \(name)!\\n"

            """,
            "requirements.txt": "# Packages go into vendor/: pip install --target vendor -r requirements.txt\n",
        ]
    }
}
