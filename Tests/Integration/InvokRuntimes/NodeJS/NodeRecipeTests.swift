import Invok
import InvokRuntimes
import InvokTemplates
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct NodeRecipeTests {
    @Test func runsItsTemplate() throws {
        let template = FunctionTemplate(name: try FunctionName("hello-js"), runtime: .nodejs).sources
        let instance = try TestBundle(.nodejs, name: "hello-js", files: template).start()
        #expect(try instance.request("GET", "/hello-js").text == "Hello from hello-js!\n")
        let end = try instance.stop()
        #expect(end.status == 0)
        #expect(end.output == "")
    }

    @Test(arguments: [
        [
            "function.ts":
                "import { text } from './text.ts';\nexport default async (r: Request): Promise<Response> => new Response(text as string);\n",
            "text.ts": "export const text: string = 'said';\n",
        ],
        [
            "function.cjs": "exports.default = async () => require('./a.js').text;\n",
            "a.js": "exports.text = 'said';\n",
        ],
        [
            "function.js": "const { text } = require('./a');\nexports.handler = (request) => text;\n",
            "a.js": "exports.text = 'said';\n",
        ],
        ["function.js": "export default () => 'said';\n", "package.json": #"{"type": "module"}"#],
        [
            "function.js":
                "import { text } from './a';\nimport data from './data.json';\nexport default () => text + data.end;\n",
            "a/index.js": "export const text = 'sa';\n", "data.json": #"{"end": "id"}"#,
        ],
        ["function.mjs": "export default () => 'said';\n"],
        ["function.js": "export default { fetch: () => 'said' };\n"],
        ["function.js": "module.exports = async () => require('./a').text;\n", "a.js": "exports.text = 'said';\n"],
        [
            "function.js": "import { text } from 'given';\nexport default () => text;\n",
            "package.json": #"{"dependencies": {"given": "1"}}"#,
            "node_modules/given/package.json": #"{"main": "m.js"}"#,
            "node_modules/given/m.js": "exports.text = 'said';\n",
        ],
    ])
    func runsEveryKindOfModule(files: [String: String]) throws {
        let instance = try TestBundle(.nodejs, files: files).start()
        #expect(try instance.request("GET", "/hello-world").text == "said")
        let end = try instance.stop()
        #expect(end.status == 0)
        #expect(end.output == "", "no warnings in the function's log")
    }

    @Test func takesWhatAHandlerReturns() throws {
        let code = """
            export default async (request) => ({
              object: { a: [1] }, bytes: new Uint8Array([0, 255]), number: 1,
              text: await request.text(),
            })[new URL(request.url).pathname.split("/")[2]];
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let object = try instance.request("GET", "/hello-world/object")
        #expect(object.text == #"{"a":[1]}"#)
        #expect(object.values("content-type") == ["application/json"])
        #expect(try instance.request("GET", "/hello-world/bytes").body == [0, 255])
        #expect(try instance.request("GET", "/hello-world/number").status == 500)
        #expect(try instance.request("DELETE", "/hello-world/text", body: Array("said".utf8)).text == "said")
    }

    @Test func tellsTheHandlerWhenNobodyWaitsAnyMore() throws {
        let code = """
            export default (request) => new Promise((resolve) => {
              request.signal.addEventListener("abort", () => setTimeout(() => resolve("told"), 50));
            });
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        #expect(try TestResponse(instance.exchange(request, halfCloses: true)).text == "told")
        #expect(try instance.stop().status == 0)
    }

    @Test func endsTheConnectionOfAStreamThatNobodyReads() throws {
        let code = """
            export default () => new Response(new ReadableStream({
              start(stream) { stream.enqueue(new TextEncoder().encode("first")); },
              cancel() { console.log("cancelled"); },
            }));
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        _ = try instance.exchange(request, halfCloses: true)
        #expect(try instance.stop().output.contains("cancelled"))
    }

    @Test func endsOnErrorsOutsideOfARequest() throws {
        let code = """
            export default async () => { setTimeout(() => Promise.reject(new Error("nobody waits")), 1); return "x"; };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        #expect(try instance.request("GET", "/hello-world").text == "x")
        let end = try instance.end()
        #expect(end.status == 1)
        #expect(end.output.contains("nobody waits"))
    }

    @Test(arguments: [
        ("function.js", "export default async () => {\n  return (;\n};\n"),
        ("function.ts", "const a: number = 1;\nexport default async () => { return (; };\n"),
        ("function.tsx", "const a: number = 1;\nexport default () => <p></q>;\n"),
    ])
    func returnsSyntaxErrorsWithFileAndLine(name: String, code: String) throws {
        let failed = try failure(of: .nodejs, files: [name: code])
        #expect(failed.log.contains("\(name):2"))
        #expect(failed.reason == "\(name) does not compile")
    }

    @Test func asksForModulesThatCannotBeFetched() throws {
        let plain = "export default () => 'x';\n"
        // What nothing imports may be missing: a bundler has put it into the source.
        let manifest = #"{"dependencies": {"left-pad": "1"}}"#
        _ = try TestBundle(.nodejs, files: ["function.js": plain, "package.json": manifest])
        let imported = try failure(of: .nodejs, files: ["function.js": "import x from '@a/b/c';\n" + plain])
        #expect(imported.reason.contains("npm install @a/b"))
        let relative = try failure(of: .nodejs, files: ["function.js": "import './gone.js';\n" + plain])
        #expect(relative.reason.contains("'./gone.js', which is not in the archive"))
        let broken = try failure(of: .nodejs, files: ["function.js": plain, "package.json": "{"])
        #expect(broken.reason.contains("package.json is not JSON"))
    }

    @Test func printsWhyLoadingFailed() throws {
        let thrown = try TestBundle(.nodejs, files: ["function.js": "throw new Error('at load');\nexport default 1;\n"])
        let end = try thrown.start().end()
        #expect(end.status == 1)
        #expect(end.output.contains("at load"))
        let empty = try TestBundle(.nodejs, files: ["function.js": "export const x = 1;\n"]).start().end()
        #expect(empty.status == 1)
        #expect(empty.output.contains("export default async (request) => Response"))
    }
}
