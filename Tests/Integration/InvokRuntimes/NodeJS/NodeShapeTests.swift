import Foundation
import Invok
import InvokRuntimes
import Testing

/// Functions as other platforms have them are called as they are there, or are refused by a sentence: never answered with
/// something else.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct NodeShapeTests {
    private static let path = "/hello-world/a/b?x=1&x=2"

    /// What each answers to a GET of the path.
    @Test(arguments: [
        // Cloudflare, Hono, Bun: an object.
        ("export default { fetch: (r, env, ctx) => new Response(new URL(r.url).pathname + env.GREETING) };", "/a/bhi"),
        ("export function fetch(r) { return new Response(new URL(r.url).pathname); }", "/a/b"),
        ("export default (r, env) => new URL(r.url).pathname + env.GREETING;", "/hello-world/a/bhi"),
        // Netlify, Vercel.
        ("export default async (request, context) => { context.waitUntil(1); return new Response('kept'); };", "kept"),
        // Next, Vercel: a function for each method.
        ("export const GET = (r) => new Response('got ' + new URL(r.url).pathname);", "got /hello-world/a/b"),
        // Cloudflare's Pages.
        ("export const onRequest = ({ request, env }) => new Response(env.GREETING + request.method);", "hiGET"),
        ("export const onRequestGet = ({ request }) => new Response(request.method);", "GET"),
        // Workers of the old kind, and Deno.
        ("addEventListener('fetch', (e) => e.respondWith(new Response(new URL(e.request.url).pathname)));", "/a/b"),
        ("Deno.serve((r) => new Response(Deno.env.get('GREETING') + new URL(r.url).pathname));", "hi/a/b"),
        (
            "Bun.serve({ port: 8080, fetch(r, s) { return new Response(new URL(r.url).pathname + s.port); } });",
            "/a/b8080"
        ),
        ("Deno.serve({ port: 8080 }, async (r) => new Response(new URL(r.url).search));", "?x=1&x=2"),
        // AWS Lambda and Netlify.
        (
            "export const handler = async (event) => ({ statusCode: 200, body: event.rawPath + event.version });",
            "/a/b2.0"
        ),
        (
            "exports.handler = (event, context, callback) => setTimeout(() => callback(null, { statusCode: 200, body: 'back' }), 1);",
            "back"
        ),
        ("exports.handler = async (event) => ({ got: event.queryStringParameters });", #"{"got":{"x":"1,2"}}"#),
        (
            "exports.handler = async (event) => { if (event.httpMethod === 'GET') return { statusCode: 200, body: event.path }; };",
            "/a/b"
        ),
        (
            "exports.handler = (event, context) => { context.succeed({ statusCode: 200, body: context.functionName }); };",
            "hello-world"
        ),
        ("exports.handler = async () => ({ statusCode: 200, body: 'aGk=', isBase64Encoded: true });", "hi"),
        // OpenFaaS.
        ("module.exports = async (event, context) => context.status(200).succeed(event.path);", "/a/b"),
        // Express, Vercel, Google.
        (
            "export default (req, res) => { res.status(200).send(`${req.path} ${req.query.x}`); };",
            "/hello-world/a/b 1,2"
        ),
        ("exports.hello = (req, res) => { res.end(req.url); };", "/hello-world/a/b?x=1&x=2"),
        (
            "const f = require('@google-cloud/functions-framework'); f.http('hello', (req, res) => res.send(req.method));",
            "GET"
        ),
        // Servers that listen, at once or later, and those that are exported.
        (
            "require('http').createServer((req, res) => res.end(req.url)).listen(process.env.PORT || 3000);",
            "/a/b?x=1&x=2"
        ),
        (
            """
            import { createServer } from "node:http";
            async function main() {
              await new Promise((resolve) => setTimeout(resolve, 20));
              const server = createServer((req, res) => res.end(String(server.address().port)));
              server.listen({ port: 8080 });
            }
            main();
            """, "8080"
        ),
        ("module.exports = require('http').createServer((req, res) => res.end('exported'));", "exported"),
        // A package may do it, as Hono's does.
        (
            "const { serve } = require('serving'); serve((req, res) => res.end('served'));", "served"
        ),
        // Express makes a function that is an application.
        (
            "const app = (req, res) => app.handle(req, res); app.use = () => {}; app.handle = (req, res) => res.end('app ' + req.url); module.exports = app;",
            "app /a/b?x=1&x=2"
        ),
        // What handlers of the fetch standard return besides.
        ("export default () => ({ statusCode: 200, body: 'as a gateway takes it' });", "as a gateway takes it"),
        ("export default () => ({ statusCode: 7, data: 1 });", #"{"statusCode":7,"data":1}"#),
        (
            "export default () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104, 105])); c.close(); } });",
            "hi"
        ),
        ("import { Readable } from 'node:stream'; export default () => Readable.from(['a', 'b']);", "ab"),
        ("export default () => new URLSearchParams({ a: 1 });", "a=1"),
    ])
    func isCalledAsItExpects(code: String, answer: String) throws {
        let files = [
            "function.js": code, "node_modules/serving/package.json": "{}",
            "node_modules/serving/index.js": "exports.serve = (f) => require('http').createServer(f).listen(3000);\n",
        ]
        let instance = try TestBundle(.nodejs, files: files).start(environment: ["GREETING": "hi"])
        let response = try instance.request("GET", Self.path)
        #expect(response.text == answer)
        #expect(response.status == 200)
        #expect(try instance.stop().status == 0)
    }

    @Test(arguments: [
        ("export const count = 1;\nexport const greet = (name) => name;", "\"entry\": \"function.js:greet\""),
        ("module.exports = async function (context, req) { context.res = {}; };", "Azure"),
        ("Bun.serve({ routes: {} });", "Bun.serve's routes"),
        ("if (require.main === module) require('http').createServer().listen(3000);", "no server of its own listens"),
        ("exports.main = (params) => ({ body: params.name });", "OpenWhisk"),
        ("export default class Counter {}", "is a class"),
        ("exports.handler = awslambda.streamifyResponse(async (event, stream) => stream.end());", "streams in a way"),
        (
            "import { cloudEvent } from '@google-cloud/functions-framework';\ncloudEvent('tick', () => {});",
            "cloudEvent"
        ),
        (
            "const f = require('@google-cloud/functions-framework');\nf.http('a', (req, res) => {});\nf.http('b', (req, res) => {});",
            "registered: a, b"
        ),
    ])
    func saysWhatToWriteInstead(code: String, sentence: String) throws {
        let end = try TestBundle(.nodejs, files: ["function.js": code]).start().end()
        #expect(end.status == 1)
        #expect(end.output.contains(sentence), "\(end.output)")
        #expect(!end.output.contains("    at "), "no stack")
    }

    @Test func whatIsNotInstalledIsNamed() throws {
        let end = try TestBundle(.nodejs, files: ["function.js": "require('@a/left-pad/b');"]).start().end()
        #expect(end.output.contains("invok: nothing installs '@a/left-pad'"), "\(end.output)")
    }

    @Test(arguments: [
        ("import { DurableObject } from 'cloudflare:workers';", "another platform"),
        ("import { serve } from 'https://deno.land/std/http/server.ts';", "not taken from the network"),
        ("import x from 'jsr:@std/path';", "another platform"),
        ("import { Hono } from 'npm:hono@4/tiny';", "npm install hono"),
    ])
    func refusesModulesOfOtherPlatforms(code: String, sentence: String) throws {
        let failed = try failure(of: .nodejs, files: ["function.js": code + "\nexport default () => 'x';\n"])
        #expect(failed.reason.contains(sentence), "\(failed.reason)")
    }

    @Test func theEntryNamesFileAndExport() throws {
        let files = [
            "src/api.js": "export const hello = () => 'hello';\nexport const bye = () => 'bye';\n",
            "function.js": "export default 1;\n",
        ]
        let named = try TestBundle(.nodejs, config: ["entry": "src/api.js:bye"], files: files).start()
        #expect(try named.request("GET", "/hello-world").text == "bye")
        let other = try TestBundle(.nodejs, config: ["entry": "src/api.js:gone"], files: files).start().end()
        #expect(other.status == 1 && other.output.contains("no function 'gone'"))
    }

    @Test(arguments: [
        ("export default { fetch: (r) => new Response(r.url) };", nil, "/hello-world", "https://localhost/"),
        (
            "export default { fetch: (r) => new Response(r.url) };", "name", "/hello-world?a",
            "https://localhost/hello-world?a"
        ),
        ("export default (r) => r.url;", nil, "/hello-world?a", "https://localhost/hello-world?a"),
        ("export default (r) => r.url;", "root", "/hello-world?a", "https://localhost/?a"),
        ("export default (r) => r.url;", "root", "/hello-world/%2F/b'", "https://localhost/%2F/b'"),
        ("export default (r) => r.url;", "root", "/hello-worlds", "https://localhost/hello-worlds"),
    ])
    func theMountIsWhatIsAskedFor(code: String, mount: String?, target: String, seen: String) throws {
        let config = mount.map { ["mount": $0] } ?? [:]
        let instance = try TestBundle(.nodejs, config: config, files: ["function.js": code]).start()
        #expect(try instance.request("GET", target, headers: ["X-Forwarded-Proto: https"]).text == seen)
    }

    @Test(arguments: [
        "export default { fetch: (r) => new Response(null, { status: 302, headers: { Location: new URL(r.url).search.slice(1) } }) };",
        "require('http').createServer((q, s) => { s.statusCode = 302; s.setHeader('location', q.url.slice(2)); s.end(); }).listen(1);",
        "require('http').createServer((q, s) => s.writeHead(302, { LOCATION: q.url.slice(2), A: 'b' }).end('x')).listen(1);",
        "require('http').createServer((q, s) => s.writeHead(302, 'Found', ['Location', q.url.slice(2)]).end('x')).listen(1);",
        "exports.handler = async (event) => ({ statusCode: 302, headers: { location: event.rawQueryString } });",
    ])
    func redirectsLeadToWhereItStands(code: String) throws {
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let root = "/invok/n/hello-world"
        for (said, sent) in [
            ("/there", root + "/there"), ("/", root + "/"), (root + "/a", root + "/a"), (root, root),
            ("/invok/n/other", "/invok/n/other"), ("there", "there"), ("//a.example/", "//a.example/"),
            ("https://a.example/", "https://a.example/"),
        ] {
            let answer = try instance.request(
                "GET", "/hello-world?" + said, headers: ["X-Forwarded-Prefix: \(root)"])
            #expect(answer.status == 302 && answer.values("location") == [sent], "\(answer)")
            #expect(try instance.request("GET", "/hello-world?" + said).values("location") == [said])
        }
    }

    @Test func anEventHasWhatAGatewaySends() throws {
        let code =
            "exports.handler = async (event) => ({ statusCode: 201, cookies: ['a=1', 'b=2'], body: JSON.stringify(event) });\n"
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let headers = [
            "Cookie: c=1; d=2", "X-Many: 1", "X-Many: 2", "X-Real-IP: 192.0.2.7", "X-Invok-Request-Id: r-1",
        ]
        let text = try instance.request(
            "POST", "/hello-world/a%20b?q=1%202&q=3", headers: headers + ["Content-Type: application/json"],
            body: Array(#"{"ü":1}"#.utf8))
        #expect(text.status == 201 && text.values("set-cookie") == ["a=1", "b=2"])
        let event = try #require(JSONSerialization.jsonObject(with: Data(text.body)) as? [String: Any])
        #expect(
            event["rawPath"] as? String == "/a%20b" && event["rawQueryString"] as? String == "q=1%202&q=3")
        #expect(event["cookies"] as? [String] == ["c=1", "d=2"])
        #expect(event["queryStringParameters"] as? [String: String] == ["q": "1 2,3"])
        #expect((event["headers"] as? [String: String])?["x-many"] == "1, 2")
        #expect((event["headers"] as? [String: String])?["cookie"] == nil)
        #expect(event["body"] as? String == #"{"ü":1}"# && event["isBase64Encoded"] as? Bool == false)
        let context = event["requestContext"] as? [String: Any]
        #expect(context?["requestId"] as? String == "r-1")
        let http = context?["http"] as? [String: String]
        #expect(http?["method"] == "POST" && http?["sourceIp"] == "192.0.2.7")
        let bytes = try instance.request(
            "POST", "/hello-world", headers: ["Content-Type: image/png"], body: [0xFF, 0, 1])
        let other = try #require(JSONSerialization.jsonObject(with: Data(bytes.body)) as? [String: Any])
        #expect(other["body"] as? String == "/wAB" && other["isBase64Encoded"] as? Bool == true)
    }

    @Test func failuresOfLambdasAreFailures() throws {
        let code = """
            exports.handler = (event, context, callback) => {
              if (event.rawPath.endsWith("/back")) return callback(new Error("a secret of the inside"));
              if (event.rawPath.endsWith("/status")) return callback(null, { statusCode: "none" });
              throw new Error("a secret of the inside");
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        for path in ["back", "status", "throw"] {
            let response = try instance.request("GET", "/hello-world/\(path)")
            #expect(response.status == 500 && !response.text.contains("secret"))
        }
        #expect(try instance.stop().output.contains("a secret of the inside"))
    }

    @Test func requestsAndResponsesAreThoseOfExpress() throws {
        let code = """
            module.exports = async (req, res) => {
              switch (req.path) {
                case "/hello-world/json": return res.status(201).json({ body: req.body, type: req.get("Content-Type"), is: req.is("json") });
                case "/hello-world/stream": { let n = 0; for await (const part of req) n += part.length; return res.send(String(n)); }
                case "/hello-world/go": return res.redirect("/there");
                case "/hello-world/cookie": return res.cookie("a", "b c", { httpOnly: true }).clearCookie("d").sendStatus(204);
                case "/hello-world/bytes": return res.type("png").send(Buffer.from([1, 0]));
                case "/hello-world/short": res.writeHead(200, { "Content-Length": 20 }); return res.end("short");
                case "/hello-world/response": return new Response("as fetch has it");
                default: throw new Error("a secret of the inside");
              }
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let json = try instance.request(
            "POST", "/hello-world/json", headers: ["Content-Type: application/json"], body: Array(#"{"a":[1]}"#.utf8))
        #expect(
            json.status == 201 && json.text == #"{"body":{"a":[1]},"type":"application/json","is":"application/json"}"#)
        let broken = try instance.request(
            "POST", "/hello-world/json", headers: ["Content-Type: application/json"], body: Array("{".utf8))
        #expect(broken.status == 400)
        let form = try instance.request(
            "POST", "/hello-world/json", headers: ["Content-Type: application/x-www-form-urlencoded"],
            body: Array("a=1&a=2".utf8))
        #expect(form.text.contains(#""body":{"a":["1","2"]}"#))
        #expect(
            try instance.request("POST", "/hello-world/stream", body: [UInt8](repeating: 7, count: 70_000)).text
                == "70000")
        let redirect = try instance.request("GET", "/hello-world/go")
        #expect(redirect.status == 302 && redirect.values("location") == ["/there"])
        let cookies = try instance.request("GET", "/hello-world/cookie")
        #expect(cookies.status == 204 && cookies.values("set-cookie").first == "a=b%20c; Path=/; HttpOnly")
        let bytes = try instance.request("GET", "/hello-world/bytes")
        #expect(bytes.body == [1, 0] && bytes.values("content-type") == ["image/png"])
        // Its connection ends, so that nobody waits for the rest.
        #expect(throws: TestFailure.self) { try instance.request("GET", "/hello-world/short") }
        #expect(try instance.request("GET", "/hello-world/response").text == "as fetch has it")
        #expect(try instance.request("GET", "/hello-world/fail").status == 500)
        #expect(try instance.stop().output.contains("Content-Length 20"))
    }
}
