import Invok
import Testing

@testable import InvokDocker

@Suite struct LogFramesTests {
    static func frame(_ output: UInt8, _ text: String) -> [UInt8] {
        let length = text.utf8.count
        return [output, 0, 0, 0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + Array(text.utf8)
    }

    @Test func takesTheOutputsApartWhereverTheBytesAreCut() throws {
        let bytes = Self.frame(1, "one") + Self.frame(2, "") + Self.frame(2, String(repeating: "x", count: 300))
        for size in [1, 2, 7, 8, 9, 100, bytes.count] {
            var frames = LogFrames()
            var found: [LogFrames.Frame] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                found += try frames.append(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(found.map(\.source) == [.stdout, .stderr, .stderr])
            #expect(found.map(\.payload.count) == [3, 0, 300])
        }
    }

    @Test(arguments: [[7, 0, 0, 0, 0, 0, 0, 1] as [UInt8], [1, 0, 0, 0, 255, 255, 255, 255]])
    func refusesWhatIsNoSuchStream(_ bytes: [UInt8]) {
        var frames = LogFrames()
        #expect(throws: DockerError.self) { try frames.append(bytes) }
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
            ("2000-02-29T12:30:45.5Z", 951_827_445_500_000_000),
            ("2026-11-22T18:17:57.076975690Z", 1_795_371_477_076_975_690),
        ] as [(String, Int64)])
    func readsTimes(_ text: String, _ nanoseconds: Int64) {
        #expect(LogTime.nanoseconds(Array(text.utf8)[...]) == nanoseconds)
    }

    @Test(arguments: [
        "", "x", "2026-11-22T18:17:57", "2026-11-22 18:17:57Z", "2026-13-22T18:17:57Z", "2026-11-22T18:17:57.Z1Z",
        "2026-11-22T18:17:57.0123456789Z", "2026-11-22T18:17:57+01:00Z",
    ])
    func refusesOtherTimes(_ text: String) {
        #expect(LogTime.nanoseconds(Array(text.utf8)[...]) == nil)
    }
}
