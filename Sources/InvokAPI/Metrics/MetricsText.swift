import Invok

/// Metrics as text, in pieces: Prometheus' format 0.0.4, or OpenMetrics 1.0.0.
struct MetricsText {
    enum Format: Sendable {
        case prometheus
        case openMetrics

        /// By what the client takes (RFC 9110 §12.5.1): OpenMetrics where it names that version.
        init(accept: String?) {
            let isNamed = (accept ?? "").split(separator: ",").contains { range in
                let words = range.lowercased().filter { !$0.isWhitespace }.split(separator: ";")
                return words.first == "application/openmetrics-text" && words.contains("version=1.0.0")
                    && !words.contains("q=0")
            }
            self = isNamed ? .openMetrics : .prometheus
        }

        var mediaType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    enum Kind: String { case counter, gauge, histogram }

    /// Labels as they stand between the braces, without values that would have to be escaped.
    struct Labels {
        let text: String

        static let none = Labels(text: "")
        init(text: String) { self.text = text }
        init(_ name: String, _ value: String) { text = "\(name)=\"\(value)\"" }

        func with(_ name: String, _ value: String) -> Labels {
            Labels(text: (text.isEmpty ? "" : text + ",") + "\(name)=\"\(value)\"")
        }
    }

    /// What is written at a time. Each piece ends behind a line.
    static let pieceBytes = 64 * 1024

    private let format: Format
    private var name = ""
    private var kind = Kind.gauge
    private var bytes: [UInt8] = []

    init(_ format: Format) {
        self.format = format
        bytes.reserveCapacity(Self.pieceBytes + 4096)
    }

    /// Begins a family, all of whose samples follow.
    /// - Parameter name: without the `_total` of a counter.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = kind == .counter ? name + "_total" : name
        self.kind = kind
        let shown = format == .openMetrics ? name : self.name
        add("# HELP \(shown) \(help)\n# TYPE \(shown) \(kind.rawValue)\n")
    }

    mutating func sample(_ labels: Labels = .none, _ value: UInt64) { line("", labels, String(value)) }
    mutating func sample(_ labels: Labels = .none, _ value: Int) { line("", labels, String(value)) }
    mutating func sample(_ labels: Labels = .none, _ value: Double) { line("", labels, Self.number(value)) }

    /// A histogram's samples.
    /// - Parameter bounds: in seconds, growing.
    mutating func sample(_ labels: Labels, _ histogram: LatencyHistogram, _ bounds: [Bound]) {
        let counts = histogram.counts(upTo: bounds.map(\.duration))
        for (bound, count) in zip(bounds, counts) {
            line("_bucket", labels.with("le", bound.text), String(count))
        }
        line("_bucket", labels.with("le", "+Inf"), String(histogram.count))
        line("_sum", labels, Self.number(Double(histogram.sumNanoseconds) / 1e9))
        line("_count", labels, String(histogram.count))
    }

    /// A bound of a histogram's buckets.
    struct Bound: Sendable {
        let duration: Duration
        let text: String

        init(microseconds: Int) {
            duration = .microseconds(microseconds)
            text = MetricsText.number(Double(microseconds) / 1e6)
        }
    }

    mutating func end() { if format == .openMetrics { add("# EOF\n") } }

    /// Whether there is enough for a piece.
    var isPiece: Bool { bytes.count >= Self.pieceBytes }

    /// Takes what is written so far.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// The shortest form that is read as the same number.
    static func number(_ value: Double) -> String { "\(value)" }

    private mutating func line(_ suffix: String, _ labels: Labels, _ value: String) {
        add(name)
        add(suffix)
        if !labels.text.isEmpty {
            add("{")
            add(labels.text)
            add("}")
        }
        add(" ")
        add(value)
        add("\n")
    }

    private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
