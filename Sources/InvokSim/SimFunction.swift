import Invok

/// What a simulated function does, as its source says: each line that holds `sim: DIRECTIVE`, usually in a comment, so
/// that one source text serves the simulated world and the real ones.
///
/// | directive | effect |
/// | --- | --- |
/// | `hello [TEXT]` | answers 200 with TEXT, else `hello` (also where the source has no directive) |
/// | `echo` | answers 200 with the request's body, `x-echo-method`, `x-echo-path`, and `x-echo-NAME` for each header |
/// | `tunnel` | takes an upgrade and sends back what comes, to its end; answers what is none as `echo` |
/// | `env NAME` | answers 200 with the variable's value |
/// | `secret-file NAME` | answers 200 with the content of the secret's file |
/// | `log-env NAME` | writes the variable's value to stdout at each request |
/// | `connect ADDRESS PORT` | answers 200 with `reached` where its egress lets it, else with `refused` |
/// | `huge BYTES` | answers 200 with so many bytes `x` |
/// | `status CODE` | answers with this status |
/// | `slow MILLISECONDS` | waits before each answer |
/// | `log TEXT` | writes TEXT to stdout at each request |
/// | `log-long BYTES` | writes one line of so many bytes `x` to stdout at each request |
/// | `chatter LINES` | writes so many lines to stdout at each request |
/// | `exit-on-request` | dies when it gets a request |
/// | `hang` | becomes ready, and answers nothing else |
/// | `stall` | answers 200 with `begun`, and never ends its answer |
/// | `break` | answers 200 with `begun`, and breaks its answer off |
/// | `refuse` | becomes ready, and takes no request |
/// | `freeze` | becomes ready, and answers nothing more from its first request on, its readiness check neither |
/// | `never-ready` | runs, and never becomes ready |
/// | `ready-once` | of a machine's instances of a version, only the first one becomes ready |
/// | `start-slow MILLISECONDS` | its process takes so long to run |
/// | `crash` | dies as soon as it is started |
/// | `build-log TEXT` | its build prints TEXT |
/// | `build-env NAME` | its build prints the variable's value |
/// | `build-error TEXT` | does not build, and its build prints TEXT |
/// | `build-sleep SECONDS` | its build does nothing for so long, until its deadline, and fails |
/// | `build-fill` | its build fills the disk that it has, and fails |
///
/// Every answer carries `x-sim-namespace` and `x-sim-version`.
package struct SimFunction: Hashable, Sendable {
    package enum Answer: Hashable, Sendable {
        case hello(String)
        case echo
        case tunnel
        case environment(String)
        case secretFile(String)
        case connect(IPAddress, UInt16)
        case huge(Int)
        case exit
        case hang
        case stall
        case breakOff
        case refuse
        case freeze
    }

    package enum Start: Hashable, Sendable {
        case ready
        case never
        case once
        case crash
    }

    package enum Build: Hashable, Sendable {
        case works
        case sleeps(seconds: Int)
        case fillsDisk
    }

    package var answer = Answer.hello("hello")
    package var status = 200
    package var start = Start.ready
    var startTime = Duration.zero
    package var delay = Duration.zero
    package var logs: [String] = []
    package var loggedVariables: [String] = []
    package var build = Build.works
    package var buildLog: [String] = []
    package var buildVariables: [String] = []

    /// Reads the directives of a function's source.
    /// - Throws: `failed` for `build-error` and for a directive that does not exist.
    package init(_ source: SourceArchive) throws(BuildError) {
        let bytes: [UInt8]
        do throws(InvokError) {
            bytes = try source.files[source.functionPath]?.beginning(1 << 20) ?? []
        } catch {
            throw BuildError(reading: error)
        }
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let marker = Self.directive(in: line) else { continue }
            try apply(marker)
        }
    }

    /// What follows `sim:` in a line that holds nothing before it but a comment's start.
    private static func directive(in line: Substring) -> Substring? {
        let text = line.drop { $0.isWhitespace || $0 == "/" || $0 == "#" || $0 == "*" }
        return text.hasPrefix("sim:") ? text.dropFirst(4) : nil
    }

    private static func connect(_ argument: String) throws(BuildError) -> Answer {
        let words = argument.split(separator: " ")
        guard words.count == 2, let address = IPAddress(words[0]), let port = UInt16(words[1]) else {
            throw .failed(reason: "the function does not build", log: "no address and port: \(argument)")
        }
        return .connect(address, port)
    }

    private mutating func apply(_ directive: Substring) throws(BuildError) {
        let words = directive.split(separator: " ", maxSplits: 1)
        let argument = words.count > 1 ? String(words[1]) : ""
        switch (words.first, Int(argument)) {
        case ("hello", _): answer = .hello(argument.isEmpty ? "hello" : argument)
        case ("echo", _): answer = .echo
        case ("tunnel", _): answer = .tunnel
        case ("env", _): answer = .environment(argument)
        case ("secret-file", _): answer = .secretFile(argument)
        case ("log-env", _): loggedVariables.append(argument)
        case ("connect", _): answer = try Self.connect(argument)
        case ("huge", let bytes?) where bytes >= 0: answer = .huge(bytes)
        case ("status", let code?) where (200...599).contains(code): status = code
        case ("slow", let milliseconds?) where milliseconds >= 0: delay = .milliseconds(milliseconds)
        case ("log", _): logs.append(argument)
        case ("log-long", let bytes?) where bytes >= 0: logs.append(String(repeating: "x", count: bytes))
        case ("chatter", let lines?) where lines >= 0: logs += Array(repeating: "chatter", count: lines)
        case ("exit-on-request", _): answer = .exit
        case ("hang", _): answer = .hang
        case ("stall", _): answer = .stall
        case ("break", _): answer = .breakOff
        case ("refuse", _): answer = .refuse
        case ("freeze", _): answer = .freeze
        case ("never-ready", _): start = .never
        case ("ready-once", _): start = .once
        case ("start-slow", let milliseconds?) where milliseconds >= 0: startTime = .milliseconds(milliseconds)
        case ("build-log", _): buildLog.append(argument)
        case ("build-env", _): buildVariables.append(argument)
        case ("build-sleep", let seconds?) where seconds >= 0: build = .sleeps(seconds: seconds)
        case ("build-fill", _): build = .fillsDisk
        case ("crash", _): start = .crash
        case ("build-error", _): throw .failed(reason: "the function does not build", log: argument)
        default: throw .failed(reason: "the function does not build", log: "no such directive: sim:\(directive)")
        }
    }
}
