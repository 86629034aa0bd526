import Testing

@testable import Invok
@testable import InvokAPI

struct MetricsTextTests {
    private func text(_ format: MetricsText.Format, _ write: (inout MetricsText) -> Void) -> String {
        var text = MetricsText(format)
        write(&text)
        text.end()
        return String(decoding: text.take(), as: UTF8.self)
    }

    private func write(_ text: inout MetricsText) {
        text.family("a_calls", .counter, "Some.")
        text.sample(.init("status", "2xx").with("part", "b"), UInt64(3))
        text.family("b", .gauge, "Others.")
        text.sample(.none, 0.25)
        var histogram = LatencyHistogram()
        for milliseconds in [1, 2, 5, 700] { histogram.record(.milliseconds(milliseconds)) }
        text.family("c_seconds", .histogram, "Times.")
        text.sample(.none, histogram, [.init(microseconds: 5000), .init(microseconds: 500_000)])
    }

    private static let samples = """
        c_seconds_bucket{le="0.005"} 3
        c_seconds_bucket{le="0.5"} 3
        c_seconds_bucket{le="+Inf"} 4
        c_seconds_sum 0.708
        c_seconds_count 4

        """

    @Test func theOldFormat() {
        #expect(
            text(.prometheus, write) == """
                # HELP a_calls_total Some.
                # TYPE a_calls_total counter
                a_calls_total{status="2xx",part="b"} 3
                # HELP b Others.
                # TYPE b gauge
                b 0.25
                # HELP c_seconds Times.
                # TYPE c_seconds histogram

                """ + Self.samples)
    }

    @Test func openMetrics() {
        #expect(
            text(.openMetrics, write) == """
                # HELP a_calls Some.
                # TYPE a_calls counter
                a_calls_total{status="2xx",part="b"} 3
                # HELP b Others.
                # TYPE b gauge
                b 0.25
                # HELP c_seconds Times.
                # TYPE c_seconds histogram

                """ + Self.samples + "# EOF\n")
    }

    @Test func whoNamesOpenMetricsGetsIt() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        #expect(MetricsText.Format(accept: prometheus) == .openMetrics)
        for accept in [
            nil, "", "*/*", "text/plain", "application/openmetrics-text; version=0.0.1",
            "application/openmetrics-text; version=1.0.0; q=0",
        ] { #expect(MetricsText.Format(accept: accept) == .prometheus, "\(accept ?? "")") }
    }

    @Test(arguments: [
        ("gzip", true), ("deflate, GZIP;q=0.5", true), ("br", false), ("gzip;q=0", false), ("gzip; q=0.0", false),
        ("x-gzip", false), ("", false),
    ])
    func whoTakesGzip(field: String, isTaken: Bool) { #expect(MetricsResponder.takesGzip(field) == isTaken) }
}
