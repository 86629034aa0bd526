import Foundation
import Invok

/// A function to deploy: real source, with a directive for the simulated world in a comment.
struct Fixture: Sendable {
    var name: String
    var runtime = Runtime.python
    var source: String
    var env: [String: String] = [:]
    var access: String?
    var limits: [String: Double] = [:]
    /// Secrets that it has as variables and as files.
    var secrets: [String] = []
    var secretFiles: [String] = []
    /// More of its `config.json`.
    var settings: [String: String] = [:]
    var egress = Egress.nothing
    /// Where its source is, unless where its runtime looks for it.
    var sourcePath: String?

    var archive: [UInt8] {
        var zip = ZipWriter()
        zip.add("config.json", content: config)
        zip.add(sourcePath ?? runtime.sourceFileNames[0], content: Array(source.utf8))
        return zip.finish()
    }

    private var config: [UInt8] {
        var object: [String: Any] = ["function_name": name, "runtime": runtime.rawValue, "env": env]
        object["access"] = access
        let files = secretFiles.map { ["name": $0, "as": "file"] }
        if !secrets.isEmpty || !files.isEmpty { object["secrets"] = secrets as [Any] + files as [Any] }
        object.merge(settings.mapValues { $0 as Any }) { $1 }
        switch egress {
        case .nothing: break
        case .publicInternet: object["egress"] = true
        case .list(let destinations): object["egress"] = destinations.map(\.description)
        }
        // Whole numbers must look like ones.
        if !limits.isEmpty { object["limits"] = limits.mapValues { $0 == $0.rounded() ? Int($0) as Any : $0 as Any } }
        guard let data = try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys) else { return [] }
        return Array(data)
    }

    func with(_ change: (inout Fixture) -> Void) -> Fixture {
        var fixture = self
        change(&fixture)
        return fixture
    }

    // MARK: Functions

    static func hello(_ name: String, saying text: String = "hello") -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: hello \(text)
                def handler(request):
                    return "\(text)"
                """)
    }

    /// Answers with the request's body and puts method, path and headers into `x-echo-…`.
    static func echo(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: echo
                def handler(request):
                    headers = {"x-echo-" + name: value for name, value in request.headers.items()}
                    headers.update({"x-echo-method": request.method, "x-echo-path": request.target})
                    return request.body, 200, headers
                """)
    }

    /// Takes an upgrade and sends back what comes; answers other requests by their method.
    static func tunnel(_ name: String) -> Fixture {
        Fixture(
            name: name, runtime: .go,
            source: """
                // sim: tunnel
                package main

                import (
                	"fmt"
                	"io"
                	"net/http"
                )

                func \(name.prefix(1).uppercased())\(name.dropFirst())Handler(w http.ResponseWriter, r *http.Request) {
                	upgrade := r.Header.Get("Upgrade")
                	if upgrade == "" {
                		fmt.Fprint(w, r.Method)
                		return
                	}
                	connection, stream, err := w.(http.Hijacker).Hijack()
                	if err != nil {
                		panic(err)
                	}
                	defer connection.Close()
                	fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: %s\\r\\n\\r\\n", upgrade)
                	io.Copy(connection, stream)
                }
                """)
    }

    static func env(_ name: String, _ variable: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: env \(variable)
                import os
                def handler(request):
                    return os.environ.get("\(variable)", "")
                """)
    }

    /// Answers with a secret that it has as a variable, and prints it.
    static func secret(_ name: String, _ variable: String) -> Fixture {
        var fixture = Fixture(
            name: name,
            source: """
                # sim: env \(variable)
                # sim: log-env \(variable)
                import os
                def handler(request):
                    print("it is " + os.environ["\(variable)"], flush=True)
                    return os.environ["\(variable)"]
                """)
        fixture.secrets = [variable]
        return fixture
    }

    /// Answers with a secret that it has as a file, and with what is wrong with that.
    static func secretFile(_ name: String, _ secret: String) -> Fixture {
        var fixture = Fixture(
            name: name,
            source: """
                # sim: secret-file \(secret)
                import os
                def handler(request):
                    path = "/run/secrets/\(secret)"
                    mounts = [line.split() for line in open("/proc/self/mounts")]
                    if not any(mount[1:3] == ["/run/secrets", "tmpfs"] for mount in mounts):
                        return "it is not in memory"
                    status = os.stat(path)
                    if status.st_mode & 0o777 != 0o400 or status.st_uid != os.getuid():
                        return "it is " + oct(status.st_mode)
                    if "\(secret)" in os.environ:
                        return "it is a variable, too"
                    return open(path, newline="").read()
                """)
        fixture.secretFiles = [secret]
        return fixture
    }

    static func status(_ name: String, _ code: Int) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: status \(code)
                def handler(request):
                    return "", \(code)
                """)
    }

    static func slow(_ name: String, milliseconds: Int) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: slow \(milliseconds)
                # sim: hello slow
                import time
                def handler(request):
                    time.sleep(\(milliseconds) / 1000)
                    return "slow"
                """)
    }

    static func huge(_ name: String, bytes: Int) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: huge \(bytes)
                def handler(request):
                    return b"x" * \(bytes)
                """)
    }

    /// Prints two long lines, a flood and a last line at each request.
    static func flooding(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: log-long 200000
                # sim: log-long 300000
                # sim: chatter 5000
                # sim: log the end
                def handler(request):
                    print("x" * 200000)
                    print("x" * 300000)
                    print("chatter\\n" * 5000, end="")
                    print("the end", flush=True)
                    return "done"
                """)
    }

    /// Prints lines of JSON, and one that is none, at each request.
    static func loggingJSON(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: #"""
                # sim: log {"level":"info"}
                # sim: log {"level":"error","http":{"status":500},"note":"\u202e"}
                # sim: log done
                def handler(request):
                    print('{"level":"info"}')
                    print('{"level":"error","http":{"status":500},"note":"\\u202e"}')
                    print("done", flush=True)
                    return "done"
                """#)
    }

    static func logging(_ name: String, _ text: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: log \(text)
                def handler(request):
                    print("\(text)", flush=True)
                    return "logged"
                """)
    }

    /// Answers `refused` where it reaches nothing at an address and a port, and else `reached`.
    static func connecting(_ name: String, to target: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: connect \(target)
                import socket
                def handler(request):
                    host, port = "\(target)".split()
                    try:
                        socket.create_connection((host, int(port)), timeout=5).close()
                        return "reached"
                    except OSError:
                        return "refused"
                """)
    }

    /// Becomes ready and never answers.
    static func hanging(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: hang
                import threading
                def handler(request):
                    threading.Event().wait()
                """)
    }

    /// Dies when it gets a request.
    static func dying(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: exit-on-request
                import os
                def handler(request):
                    os._exit(3)
                """)
    }

    /// Ends as soon as it is started.
    static func crashing(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: crash
                def handler(request):
                    return "never"
                raise RuntimeError("no luck today")
                """)
    }

    /// Runs and never becomes ready.
    static func neverReady(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: never-ready
                import threading
                print("loading a model", end="")
                def handler(request):
                    return "never"
                threading.Event().wait()
                """)
    }

    static func notBuilding(_ name: String) -> Fixture {
        Fixture(
            name: name,
            source: """
                # sim: build-error function.py, line 2: SyntaxError
                def handler(request:
                """)
    }
}
