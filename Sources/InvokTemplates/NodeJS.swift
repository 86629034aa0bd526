import InvokModel

extension FunctionTemplate {
    var nodeJS: [String: String] {
        [
            "function.js": """
            // Answers every request for /\(name) and the paths below it.
            export default async (request) => {
              return new Response("Hello from \(name)!\\n");
            };

            """,
            "package.json": """
            {
              "name": "\(name)",
              "private": true,
              "type": "module"
            }

            """,
        ]
    }
}
