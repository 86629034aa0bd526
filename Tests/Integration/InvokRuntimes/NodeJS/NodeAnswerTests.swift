import Invok
import InvokRuntimes
import Testing

/// How Node's instances answer, end and are told.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct NodeAnswerTests {
    private static let lengths = """
        const bytes = (text) => new TextEncoder().encode(text);
        const parts = (...texts) => new ReadableStream({
          async pull(stream) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            if (texts.length) stream.enqueue(bytes(texts.shift()));
            else stream.close();
          },
        });
        const said = (length, status = 200) => ({ status, headers: { "Content-Length": String(length) } });
        const answers = {
          empty: () => new Response("", said(1234, 403)),
          none: () => new Response(null, said(5)),
          less: () => new Response("hello", said(2)),
          more: () => new Response("hello", said(20)),
          right: () => new Response("hello", said(5)),
          nonsense: () => new Response("hello", said("a lot")),
          stream: () => new Response(parts("ab", "cd"), said(4)),
          unsaid: () => new Response(parts("ab", "cd")),
          shortStream: () => new Response(parts("ab", "cd"), said(10)),
          longStream: () => new Response(parts("ab", "cd", "ef"), said(3)),
          nothing: () => new Response(null, said(7, 204)),
          same: () => new Response(null, said(7, 304)),
        };
        export default (request) => answers[new URL(request.url).pathname.split("/")[2]]();
        """

    @Test func aLengthThatIsWrongMisleadsNobody() throws {
        let instance = try TestBundle(.nodejs, files: ["function.js": Self.lengths]).start()
        for (name, text) in [
            ("empty", ""), ("none", ""), ("less", "hello"), ("more", "hello"), ("right", "hello"),
            ("nonsense", "hello"),
            ("stream", "abcd"), ("unsaid", "abcd"), ("nothing", ""), ("same", ""),
        ] {
            // The next answer on the connection begins where this one ends.
            let two =
                "GET /hello-world/\(name) HTTP/1.1\r\nHost: x\r\n\r\nGET /hello-world/right HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let first = try TestResponse(instance.exchange(Array(two.utf8)))
            #expect(first.text == text, "\(name)")
            #expect(try TestResponse(first.rest).text == "hello", "\(name)")
            let head = try instance.request("HEAD", "/hello-world/\(name)")
            #expect(head.rest.isEmpty, "\(name)")
        }
        #expect(try instance.request("GET", "/hello-world/stream").values("content-length") == ["4"])
        #expect(try instance.request("GET", "/hello-world/nothing").values("content-length") == [])
        // What was said cannot be taken back: the answer breaks off.
        for name in ["shortStream", "longStream"] {
            #expect(throws: TestFailure.self) { try instance.request("GET", "/hello-world/\(name)") }
        }
        let output = try instance.stop().output
        #expect(output.contains("the answer says Content-Length 1234, but it has 0 bytes"))
        #expect(output.contains("the answer ends 6 bytes before its Content-Length, 10"))
        #expect(output.contains("the answer is longer than its Content-Length, 3"))
    }

    @Test func theHeadOfAStreamDoesNotWaitForItsFirstPart() throws {
        let code = """
            let release;
            const released = new Promise((resolve) => (release = resolve));
            export default async (request) => {
              if (request.url.endsWith("/release")) return release(), "released";
              return new Response(new ReadableStream({ async start(stream) { await released; stream.close(); } }));
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
        var released = ""
        let answer = try instance.exchange(
            request,
            onReceived: {
                if released.isEmpty { released = try instance.request("GET", "/hello-world/release").text }
            })
        #expect(released == "released")
        #expect(try TestResponse(answer).text == "")
    }

    @Test(arguments: [
        "Promise.reject(new Error('nobody waits'))", "setTimeout(() => { throw new Error('nobody waits') })",
    ])
    func whatNothingCatchesEndsTheInstanceOnceItsOthersAreAnswered(failing: String) throws {
        let code = """
            export default async (request) => {
              if (request.url.endsWith("/break")) { \(failing); return "broken"; }
              console.log("begun");
              await new Promise((resolve) => setTimeout(resolve, 400));
              return "whole";
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let neighbour = try instance.exchange(
            request,
            onSent: {
                try instance.waitForOutput("begun")
                #expect(try instance.request("GET", "/hello-world/break").text == "broken")
            })
        #expect(try TestResponse(neighbour).text == "whole")
        let end = try instance.end()
        #expect(end.status == 1)
        #expect(end.output.contains("nobody waits") && end.output.contains("function.js:2"), "\(end.output)")
        #expect(end.output.contains("answers what it has begun"))
    }

    @Test func aFunctionThatExitsEndsItsOwnRequest() throws {
        let code = """
            export default async (request) => {
              if (request.url.endsWith("/exit")) process.exit(0);
              console.log("begun");
              await new Promise((resolve) => setTimeout(resolve, 400));
              return "whole";
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let neighbour = try instance.exchange(
            request,
            onSent: {
                try instance.waitForOutput("begun")
                #expect(try instance.request("GET", "/hello-world/exit").status == 500)
            })
        #expect(try TestResponse(neighbour).text == "whole")
        let end = try instance.end()
        #expect(end.status == 1 && end.output.contains("process.exit(0) was called"))
        #expect(end.output.contains("function.js:2"), "\(end.output)")
    }

    @Test func aFunctionThatCatchesEverythingItselfGoesOn() throws {
        let code = """
            process.on("uncaughtException", (error) => console.log("caught", error.message));
            export default async () => { setTimeout(() => { throw new Error("one") }); return "x"; };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        #expect(try instance.request("GET", "/hello-world").text == "x")
        try instance.waitForOutput("caught one")
        #expect(try instance.request("GET", "/hello-world").text == "x")
        #expect(try instance.stop().status == 0)
    }

    @Test func whatIsGivenToWaitUntilIsWaitedFor() throws {
        let code = """
            export default {
              async fetch(request, env, ctx) {
                ctx.passThroughOnException();
                ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 200)).then(() => console.log("afterwards")));
                ctx.waitUntil(Promise.reject(new Error("in vain")));
                return new Response("at once");
              },
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        #expect(try instance.request("GET", "/hello-world").text == "at once")
        let end = try instance.stop()
        #expect(end.status == 0 && end.output.contains("afterwards"))
        #expect(end.output.contains("a promise given to waitUntil was rejected: Error: in vain"))
    }

    @Test func aStreamIsToldWhenItsCallerHasGone() throws {
        let code = """
            export default (request) => {
              request.signal.addEventListener("abort", () => console.log("told"));
              return new Response(new ReadableStream({ start(stream) { stream.enqueue("first"); } }));
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        _ = try instance.exchange(request, halfCloses: true)
        try instance.waitForOutput("told")
        #expect(try instance.stop().status == 0)
    }

    @Test func anErrorIsLoggedWithItsCausesAndNoMore() throws {
        let code = """
            export default async () => {
              const inner = Object.assign(new Error("inner"), { request: { token: "kept" } });
              throw new AggregateError([new Error("one of them")], "outer", { cause: inner });
            };
            """
        let instance = try TestBundle(.nodejs, files: ["function.js": code]).start()
        #expect(try instance.request("GET", "/hello-world").status == 500)
        let output = try instance.stop().output
        #expect(output.contains("AggregateError: outer") && output.contains("caused by: Error: inner"))
        #expect(output.contains("caused by: Error: one of them") && !output.contains("kept"))
    }

    @Test func formsCookiesAndMarksAreRead() throws {
        let mark = "\u{FEFF}"
        let code =
            mark + """
                export default async (request) => {
                  if (request.method === "GET") return request.headers.get("cookie");
                  const form = await request.formData();
                  return `${form.get("f").name} ${(await form.get("f").arrayBuffer()).byteLength}`;
                };
                """
        let files = ["function.js": code, "package.json": mark + #"{"type":"module"}"#]
        let instance = try TestBundle(.nodejs, files: files).start()
        #expect(
            try instance.request("GET", "/hello-world", headers: ["Cookie: a=1", "Cookie: b=2"]).text == "a=1; b=2")
        let part =
            "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"p h.jpg\"\r\n\r\n\u{0}\u{1}\r\n--b--\r\n"
        let response = try instance.request(
            "POST", "/hello-world", headers: ["Content-Type: multipart/form-data; boundary=b"], body: Array(part.utf8),
            chunked: true)
        #expect(response.text == "p h.jpg 2")
    }
}
