import Testing

/// The same function in each language: what follows its name in the path says what it does.
struct ContractFunction: Sendable, CustomTestStringConvertible {
    let runtime: String
    let file: String
    let source: String

    var testDescription: String { file }

    static let all = [
        ContractFunction(runtime: "go", file: "function.go", source: go),
        ContractFunction(runtime: "python", file: "function.py", source: python),
        ContractFunction(runtime: "nodejs", file: "function.js", source: script(request: "request", types: "")),
        ContractFunction(
            runtime: "nodejs", file: "function.ts",
            source: script(request: "request: Request", types: ": Promise<Response>")),
    ]

    private static let go = #"""
        package main

        import (
        	"fmt"
        	"io"
        	"net/http"
        	"os"
        	"strconv"
        	"strings"
        )

        var released = make(chan struct{}, 1)

        func ContractHandler(w http.ResponseWriter, r *http.Request) {
        	switch strings.Split(r.URL.Path, "/")[2] {
        	case "query":
        		io.WriteString(w, r.URL.Path+"|"+r.URL.RawQuery)
        	case "header":
        		w.Header().Set("X-Made", "yes")
        		w.Header().Add("Set-Cookie", "a=1")
        		w.Header().Add("Set-Cookie", "b=2")
        		io.WriteString(w, r.Header.Get("X-Given"))
        	case "method":
        		w.Header().Set("X-Method", r.Method)
        		io.WriteString(w, r.Method)
        	case "status":
        		status, _ := strconv.Atoi(r.Header.Get("X-Given"))
        		w.WriteHeader(status)
        	case "echo":
        		body, _ := io.ReadAll(r.Body)
        		w.Write(body)
        	case "stream":
        		io.WriteString(w, "first")
        		w.(http.Flusher).Flush()
        		<-released
        		io.WriteString(w, "second")
        	case "release":
        		released <- struct{}{}
        	case "fail":
        		panic("a secret of the inside")
        	case "print":
        		fmt.Println("to stdout")
        		fmt.Fprintln(os.Stderr, "to stderr")
        	}
        }
        """#

    private static let python = #"""
        import sys, threading
        from invok import Response

        released = threading.Event()

        def handler(request):
            what = request.path.split("/")[2]
            if what == "query":
                return f"{request.path}|{request.query_string}"
            if what == "header":
                return request.headers.get("x-given"), 200, {"X-Made": "yes", "Set-Cookie": ["a=1", "b=2"]}
            if what == "method":
                return request.method, 200, {"X-Method": request.method}
            if what == "status":
                return "", int(request.headers.get("x-given"))
            if what == "echo":
                return request.body
            if what == "stream":
                return parts()
            if what == "release":
                released.set()
            if what == "fail":
                raise ValueError("a secret of the inside")
            if what == "print":
                print("to stdout")
                print("to stderr", file=sys.stderr)
            return ""

        def parts():
            yield "first"
            released.wait()
            yield "second"
        """#

    private static func script(request: String, types: String) -> String {
        #"""
        let release;
        const released = new Promise((resolve) => (release = resolve));

        export default async (\#(request))\#(types) => {
          const url = new URL(request.url);
          switch (url.pathname.split("/")[2]) {
            case "query":
              return new Response(`${url.pathname}|${url.search.slice(1)}`);
            case "header":
              return new Response(request.headers.get("x-given"), {
                headers: [["X-Made", "yes"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]],
              });
            case "method":
              return new Response(request.method, { headers: { "X-Method": request.method } });
            case "status":
              return new Response(null, { status: Number(request.headers.get("x-given")) });
            case "echo":
              return new Response(request.body);
            case "stream":
              return new Response(ReadableStream.from(parts()));
            case "release":
              release();
              break;
            case "fail":
              throw new Error("a secret of the inside");
            case "print":
              console.log("to stdout");
              console.error("to stderr");
          }
          return new Response("");
        };

        async function* parts() {
          yield new TextEncoder().encode("first");
          await released;
          yield new TextEncoder().encode("second");
        }
        """#
    }
}
