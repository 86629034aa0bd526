import ArgumentParser
import InvokModel

struct LogsCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what a function printed.",
        discussion: """
            Examples: invok logs -n hello -f --since 10m
                      invok logs -n hello --where level=error --where http.status=500
                      invok logs -n hello --grep 'timed? out|refused'
            --where looks into lines of JSON, --grep into all. The server looks, so that only what is found is sent.
            """)

    @OptionGroup var function: FunctionOptions

    @Flag(name: .shortAndLong, help: "Go on with new lines as they come, until Ctrl-C.")
    var follow = false

    @Option(
        help: ArgumentHelp(
            "Lines from then on: 30s, 10m, 2h, 1d, or a time like 2026-11-22T14:00:00Z.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("At most so many lines, the newest.", valueName: "count"))
    var limit = 100

    @Option(
        name: .customLong("where"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Lines of JSON that say so: level=error, http.status=500. May be repeated; all must hold.",
            valueName: "key=value"))
    var conditions: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Lines in which this regular expression is found.", valueName: "pattern"))
    var grep: String?

    @OptionGroup var options: CommonOptions

    func validate() throws {
        do throws(InvokError) {
            for condition in conditions { _ = try LogCondition(condition) }
            if let grep { _ = try TextPattern(grep) }
        } catch {
            throw ValidationError([error.message, error.nextStep].compactMap(\.self).joined(separator: "; "))
        }
        if conditions.count > LogFilter.maximumConditions {
            throw ValidationError("There are more than \(LogFilter.maximumConditions) conditions.")
        }
        if limit < 1 { throw ValidationError("--limit is \(limit), but must be at least 1.") }
        if let since, SinceTime(since) == nil {
            throw ValidationError(
                "--since is '\(since)', but must be like 30s, 10m, 2h, 1d or 2026-11-22T14:00:00Z.")
        }
    }

    func run(in context: Context) async throws -> ExitStatus {
        let name = try function.functionName(in: context)
        let since = since.flatMap(SinceTime.init)?.text(now: WallClock.now())
        let query = [("since", since), ("limit", Optional("\(limit)"))]
        let filter = conditions.map { ("where", Optional($0)) } + [("grep", grep)]
        let printer = LogPrinter(console: context.console)
        try await context.withAccount { account in
            let client = account.client
            let namespace = try await account.namespace(function.namespace)
            try await account.about(name, namespace: namespace) {
                if follow {
                    let console = context.console
                    let follower = LogFollower(
                        client: client, path: "/invok/logs/\(namespace)/\(name)", query: query, filter: filter,
                        lost: { console.note("The connection is lost; trying again until it is back") })
                    return try await follower.run { try printer.show($0) }
                }
                let path = "/api/v1/functions/\(namespace)/\(name)/logs"
                let lines = try await client.call(
                    client.request(.GET, path, query: query + filter), as: [LogMessage].self)
                for line in lines { try printer.show(line) }
                if lines.isEmpty {
                    let what = conditions.isEmpty && grep == nil ? "nothing" : "nothing like that"
                    context.console.note("'\(name)' has printed \(what) \(since == nil ? "yet" : "since then").")
                }
            }
        }
        return .success
    }
}

/// Prints log lines, each with its time and source; as JSON, a document a line.
struct LogPrinter: Sendable {
    let console: Console

    func show(_ line: LogMessage) throws {
        guard !console.isJSON else { return try console.json(line) }
        let source = line.source.rawValue
        let padding = String(repeating: " ", count: max(0, 8 - source.count))
        console.result("\(line.time) \(source)\(padding) \(line.text)")
    }
}

/// The value of `--since`: a length of time before now, or a point in time.
enum SinceTime: Hashable {
    case ago(seconds: Int64)
    /// RFC 3339
    case point(String)

    /// Reads `90s`, `10m`, `1h30m`, `2d`, or an RFC 3339 time.
    init?(_ text: String) {
        if let seconds = Self.seconds(text) {
            self = .ago(seconds: seconds)
        } else if Self.isTime(text) {
            self = .point(text.uppercased())
        } else {
            return nil
        }
    }

    /// The RFC 3339 form that the server takes.
    func text(now: Timestamp) -> String {
        switch self {
        case .ago(let seconds): now.advanced(by: .seconds(-seconds)).description
        case .point(let text): text
        }
    }

    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        var total: Int64 = 0
        var digits = ""
        for character in text {
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            // Nine digits of days still fit; a log is never that old.
            guard let unit = units[character], digits.count <= 9, let count = Int64(digits) else { return nil }
            total += count * unit
            digits = ""
        }
        return digits.isEmpty && !text.isEmpty && total <= 100 * 365 * 86_400 ? total : nil
    }

    /// The form only (RFC 3339 §5.6); the server knows the calendar.
    private static func isTime(_ text: String) -> Bool {
        let bytes = Array(text.uppercased().utf8)
        let shape = Array("0000-00-00T00:00:00".utf8)
        guard bytes.count > shape.count, zip(bytes, shape).allSatisfy(Self.fits) else { return false }
        var rest = bytes[shape.count...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { isDigit($0) }
            guard !fraction.isEmpty else { return false }
            rest = rest[fraction.endIndex...]
        }
        if rest.elementsEqual("Z".utf8) { return true }
        guard let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
        return rest.count == 6 && zip(rest.dropFirst(), "00:00".utf8).allSatisfy(Self.fits)
    }

    private static func fits(_ byte: UInt8, _ shape: UInt8) -> Bool {
        shape == UInt8(ascii: "0") ? isDigit(byte) : byte == shape
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
