import Foundation
import Invok
import TestSupport
import Testing

extension IntegrationTests {
    /// Work that goes on though nobody waits for it any more: it keeps its place, and where it does not end it is ended.
    @Suite(.timeLimit(.minutes(5)))
    struct AbandonedWorkTests {
        /// The path says for how many seconds it works; the answer is when the process began and the most it ever did at a time.
        struct Worker: Sendable, CustomTestStringConvertible {
            let runtime: String
            let source: String

            var testDescription: String { runtime }

            static let python = Worker(
                runtime: "python",
                source: """
                    import threading, time
                    lock, now, most, born = threading.Lock(), 0, 0, time.time()
                    def handler(request):
                        global now, most
                        with lock:
                            now += 1
                            most = max(most, now)
                        try:
                            what = request.path.split("/")[-1]
                            while what == "loop": pass
                            time.sleep(float(what))
                            return f"{born} {most}"
                        finally:
                            with lock: now -= 1
                    """)
            static let node = Worker(
                runtime: "nodejs",
                source: """
                    let now = 0, most = 0;
                    export default async (request) => {
                      now += 1;
                      most = Math.max(most, now);
                      const what = new URL(request.url).pathname.split("/").at(-1);
                      while (what === "loop");
                      await new Promise((resolve) => setTimeout(resolve, Number(what) * 1000));
                      now -= 1;
                      return new Response(`${performance.timeOrigin} ${most}`);
                    };
                    """)
        }

        private func deployed(_ worker: Worker) async throws -> (user: ServerClient, path: String) {
            let core = try #require(ServerTrait.current)
            let user = try await ServerClient.register(at: core.url)
            let limits = #"{"concurrency":1,"minInstances":1,"maxInstances":1,"timeoutSeconds":1}"#
            let config = #"{"function_name":"worker","runtime":"\#(worker.runtime)","limits":\#(limits)}"#
            var zip = ZipWriter()
            zip.add("config.json", content: Array(config.utf8))
            zip.add(worker.runtime == "python" ? "function.py" : "function.mjs", content: Array(worker.source.utf8))
            let answer = try await user.upload(zip.finish(), as: "worker.zip")
            try #require(answer.status == 200, "\(answer.text)")
            return (user, user.path("worker"))
        }

        /// It works on for longer than anybody waits, and less long than is suffered.
        @Test(arguments: [Worker.python, .node])
        func anInstanceNeverWorksOnMoreThanItsConcurrency(_ worker: Worker) async throws {
            let (user, path) = try await deployed(worker)
            let first = try await user.call("GET", path + "/0")
            #expect(first.status == 200 && first.text.hasSuffix(" 1"), "\(first.text)")
            #expect(try await user.call("GET", path + "/3").status == 504)
            // Its place is taken until the work is done.
            let second = try await user.call("GET", path + "/0")
            #expect(second.status == 200)
            #expect(second.text == first.text, "the same process, which never did two things at a time")
        }

        @Test(arguments: [Worker.python, .node])
        func anInstanceThatLoopsForEverIsReplaced(_ worker: Worker) async throws {
            let (user, path) = try await deployed(worker)
            let first = try await user.call("GET", path + "/0")
            #expect(first.status == 200, "\(first.text)")
            #expect(try await user.call("GET", path + "/loop").status == 504)
            let second = try await user.call("GET", path + "/0")
            #expect(second.status == 200, "\(second.text)")
            #expect(second.text != first.text, "another process")
            #expect(second.text.hasSuffix(" 1"))
        }
    }
}
