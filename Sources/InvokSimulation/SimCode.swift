import Invok
import InvokSim

/// What a user writes and deploys: its source does as it says, so its answers are known beforehand.
struct SimCode: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Answers with its tag, after a delay.
        case hello(delay: Duration)
        /// Answers with its tag and the status 500, which is its own affair.
        case failing
        /// Answers with the variable `COLOUR` of its version.
        case environment
        /// Answers with its secret `TONE`, and writes it into its log.
        case secret
        /// Sends back what it got.
        case echo
        /// Answers with so many bytes.
        case huge(Int)
        /// Dies with a request in its hands.
        case dies
        /// Takes requests and never answers.
        case hangs
        /// Takes a request and is dead to all from then on, and does not end.
        case freezes
        case crashesAtStart
        case neverReady
        case doesNotBuild
        /// Becomes ready for its deploy, and never again on the same machine. Its process takes longer to run than a start
        /// may have a place.
        case readyOnce
        /// Its build goes on until it is given up.
        case sleepsInBuild(Duration)
        /// Takes no request.
        case refuses
        /// Breaks each answer off.
        case breaksOff
        /// Its build fills its disk.
        case fillsDisk
        /// Answers with its tag and writes so many lines.
        case chatters(lines: Int)
    }

    /// The environment variable that `Kind.environment` answers with.
    static let variable = "COLOUR"

    /// The secret that `Kind.secret` answers with.
    static let secret = "TONE"

    /// How often strangers may call what users write, from one address.
    static let ratePerCaller = 3

    let kind: Kind
    /// Differs in each archive.
    let tag: String
    let limits: LimitsConfig

    /// Whether a request gets an answer from the function.
    var answers: Bool {
        switch kind {
        case .hello, .failing, .environment, .secret, .echo, .huge, .chatters: true
        case .dies, .hangs, .freezes, .refuses, .breaksOff: false
        case .crashesAtStart, .neverReady, .readyOnce, .doesNotBuild, .sleepsInBuild, .fillsDisk: false
        }
    }

    /// Whether a deploy of it succeeds.
    var becomesActive: Bool { refusal == nil }

    /// What a deploy of it is refused with.
    var refusal: InvokError.Code? {
        switch kind {
        case .doesNotBuild, .sleepsInBuild, .fillsDisk: .buildFailed
        case .crashesAtStart, .neverReady: .startFailed
        default: nil
        }
    }

    var status: Int { kind == .failing ? 500 : 200 }

    /// The whole answer of a version of this code to a request with this body, but of `Kind.secret`.
    func answer(to body: [UInt8]?, settings: VersionSettings) -> [UInt8] {
        switch kind {
        case .environment: Array((settings.environment.variables[Self.variable] ?? "").utf8)
        case .echo: body ?? []
        case .huge(let bytes): Array(repeating: UInt8(ascii: "x"), count: bytes)
        default: Array(tag.utf8)
        }
    }

    private var directives: [String] {
        switch kind {
        case .hello(let delay): ["hello \(tag)", "slow \(delay.wholeNanoseconds / 1_000_000)"]
        case .failing: ["hello \(tag)", "status 500"]
        case .environment: ["env \(Self.variable)"]
        case .secret: ["env \(Self.secret)", "log-env \(Self.secret)"]
        case .echo: ["echo"]
        case .huge(let bytes): ["huge \(bytes)"]
        case .dies: ["exit-on-request"]
        case .hangs: ["hang"]
        case .freezes: ["freeze"]
        case .crashesAtStart: ["crash"]
        case .neverReady: ["never-ready"]
        case .doesNotBuild: ["build-error it is broken"]
        case .refuses: ["refuse"]
        case .breaksOff: ["break"]
        case .fillsDisk: ["build-fill"]
        case .readyOnce: ["ready-once", "start-slow 1500"]
        case .sleepsInBuild(let time): ["build-sleep \(time.components.seconds)"]
        case .chatters(let lines): ["hello \(tag)", "chatter \(lines)"]
        }
    }

    /// An archive of it for a function; what it logs at each request is the function's key.
    func archive(for key: FunctionKey) -> [UInt8] {
        let limits =
            #"{"timeoutSeconds":5,"concurrency":\#(limits.concurrency ?? 1),"#
            + #""minInstances":\#(limits.minInstances ?? 0),"maxInstances":\#(limits.maxInstances ?? 1),"#
            + #""idleSeconds":\#(limits.idleSeconds ?? 10),"startSeconds":10,"ratePerCaller":\#(limits.ratePerCaller ?? 0)}"#
        let config =
            #"{"function_name":"\#(key.name)","runtime":"python","env":{"\#(Self.variable)":"\#(tag)"},"#
            + (kind == .secret ? #""secrets":["\#(Self.secret)"],"# : "") + #""limits":\#(limits)}"#
        let source = (directives + ["log \(key)"]).map { "# sim: \($0)\n" }.joined() + "# \(tag)\n"
        var zip = ZipWriter()
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array(source.utf8))
        return zip.finish()
    }

    /// The same archive as a core keeps it.
    func keptArchive(for key: FunctionKey) -> [UInt8] {
        let archive = archive(for: key)
        let source = try? SourceArchive(entries: SimArchiveReader().entries(of: archive, limits: ArchiveLimits()))
        guard let kept = try? source?.kept(archive) else { return archive }
        return (try? kept.read(0..<kept.count)) ?? archive
    }

    /// What somebody writes: mostly something that works.
    static func draw(tag: String, _ random: inout SimGenerator) -> SimCode {
        let kinds: [Kind] = [
            .failing, .environment, .environment, .echo, .echo, .huge(70_000), .dies, .hangs, .freezes,
            .crashesAtStart, .neverReady, .doesNotBuild, .secret, .secret, .secret,
        ]
        let pick = random.below(40)
        let delay = Duration.milliseconds(pick.isMultiple(of: 3) ? 10 + random.below(900) : 0)
        return SimCode(kind: pick < kinds.count ? kinds[pick] : .hello(delay: delay), tag: tag, limits: limits(&random))
    }

    private static func limits(_ random: inout SimGenerator) -> LimitsConfig {
        var limits = LimitsConfig()
        limits.concurrency = 1 + random.below(3)
        limits.minInstances = random.below(3) == 0 ? 1 : 0
        limits.maxInstances = 1 + random.below(3)
        limits.idleSeconds = [5, 10, 20][random.below(3)]
        limits.ratePerCaller = ratePerCaller
        return limits
    }
}
