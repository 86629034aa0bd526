import Invok

/// One function in each language, so that one test holds for all: what follows its name in the path says what it does.
enum Fixture {
    static func files(_ runtime: Runtime) -> [String: String] {
        switch runtime {
        case .go: ["function.go": go]
        case .python: ["function.py": python]
        case .nodejs: ["function.js": node]
        }
    }

    private static let go = #"""
        package main

        import (
        	"fmt"
        	"io"
        	"net/http"
        	"os"
        	"strings"
        	"time"
        )

        func HelloWorldHandler(w http.ResponseWriter, r *http.Request) {
        	switch strings.TrimPrefix(r.URL.Path, "/hello-world") {
        	case "/echo":
        		_ = http.NewResponseController(w).EnableFullDuplex()
        		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
        		io.Copy(w, r.Body)
        	case "/method":
        		w.Header().Set("X-Method", r.Method)
        	case "/query":
        		fmt.Fprintf(w, "%s|%s|%s", r.URL.Path, r.URL.RawQuery, r.URL.Query().Get("a"))
        	case "/header":
        		io.WriteString(w, r.Header.Get("X-Given")+"|"+r.Header.Get("X-Invok-Request-Id"))
        	case "/cookies":
        		w.Header().Add("Set-Cookie", "a=1")
        		w.Header().Add("Set-Cookie", "b=2")
        		w.WriteHeader(201)
        	case "/none":
        		w.WriteHeader(204)
        	case "/env":
        		io.WriteString(w, os.Getenv("GREETING"))
        	case "/fail":
        		panic("a secret of the inside")
        	case "/late":
        		io.WriteString(w, "begun")
        		w.(http.Flusher).Flush()
        		panic("a late failure")
        	case "/stream":
        		for number := 1; number <= 3; number++ {
        			fmt.Fprintf(w, "part %d\n", number)
        			w.(http.Flusher).Flush()
        		}
        	case "/early":
        		io.WriteString(w, "early")
        	case "/slow":
        		fmt.Println("slow begins")
        		time.Sleep(300 * time.Millisecond)
        		io.WriteString(w, "slow")
        	default:
        		fmt.Println("a line of output")
        		io.WriteString(w, "hello")
        	}
        }
        """#

    private static let python = #"""
        import os, time
        from invok import Response

        def handler(request):
            what = request.sub_path
            if what == "/echo":
                kind = request.headers.get("content-type", "")
                return Response(iter(lambda: request.stream.read1(65536), b""), 200, {"Content-Type": kind})
            if what == "/method":
                return "", 200, {"X-Method": request.method}
            if what == "/query":
                return f"{request.path}|{request.query_string}|{request.query.get('a', '')}"
            if what == "/header":
                return request.headers.get("x-given", "") + "|" + request.request_id
            if what == "/cookies":
                return "", 201, {"Set-Cookie": ["a=1", "b=2"]}
            if what == "/none":
                return None
            if what == "/env":
                return os.environ.get("GREETING", "")
            if what == "/fail":
                raise ValueError("a secret of the inside")
            if what == "/late":
                return late()
            if what == "/stream":
                return (f"part {number}\n" for number in range(1, 4))
            if what == "/early":
                return "early"
            if what == "/slow":
                print("slow begins")
                time.sleep(0.3)
                return "slow"
            print("a line of output")
            return "hello"

        def late():
            yield "begun"
            raise ValueError("a late failure")
        """#

    private static let node = #"""
        export default async (request) => {
          const url = new URL(request.url);
          switch (url.pathname.slice("/hello-world".length)) {
            case "/echo":
              return new Response(request.body, { headers: { "Content-Type": request.headers.get("content-type") ?? "" } });
            case "/method":
              return new Response("", { headers: { "X-Method": request.method } });
            case "/query":
              return `${url.pathname}|${url.search.slice(1)}|${url.searchParams.get("a")}`;
            case "/header":
              return `${request.headers.get("x-given") ?? ""}|${request.headers.get("x-invok-request-id")}`;
            case "/cookies":
              return new Response("", { status: 201, headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] });
            case "/none":
              return null;
            case "/env":
              return process.env.GREETING;
            case "/fail":
              throw new Error("a secret of the inside");
            case "/late":
              return new Response(ReadableStream.from(late()));
            case "/stream":
              return new Response(ReadableStream.from(parts()));
            case "/early":
              return "early";
            case "/slow":
              console.log("slow begins");
              await new Promise((resolve) => setTimeout(resolve, 300));
              return "slow";
            default:
              console.log("a line of output");
              return "hello";
          }
        };

        const encoder = new TextEncoder();

        async function* late() {
          yield encoder.encode("begun");
          await new Promise((resolve) => setTimeout(resolve, 20));
          throw new Error("a late failure");
        }

        async function* parts() {
          for (let number = 1; number <= 3; number++) yield encoder.encode(`part ${number}\n`);
        }
        """#
}
