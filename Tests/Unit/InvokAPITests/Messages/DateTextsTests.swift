import Invok
import Testing

@testable import InvokAPI

struct DateTextsTests {
    @Test func httpDates() {
        // The example of RFC 9110 §5.6.7.
        #expect(Timestamp(millisecondsSinceEpoch: 784_111_777_000).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Timestamp(millisecondsSinceEpoch: 0).httpDate == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    @Test(
        arguments: [
            ("1994-11-06T08:49:37Z", 784_111_777_000), ("1994-11-06t09:49:37.5+01:00", 784_111_777_500),
            ("1994-11-06T03:19:37.1234-05:30", 784_111_777_123), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ] as [(String, Int64)])
    func readsRFC3339(text: String, milliseconds: Int64) throws {
        #expect(try #require(Timestamp(rfc3339: text)).millisecondsSinceEpoch == milliseconds)
    }

    @Test(arguments: [
        "", "1994-11-06", "1994-11-06T08:49:37", "1994-13-06T08:49:37Z", "1994-11-06T08:49:37.Z",
        "x994-11-06T08:49:37Z",
    ])
    func refusesTheRest(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func readsWhatItWrites() {
        for milliseconds in stride(from: Int64(0), to: 4_000_000_000_000, by: 86_400_000 * 97 + 12_345_678) {
            let time = Timestamp(millisecondsSinceEpoch: milliseconds)
            #expect(Timestamp(rfc3339: time.description) == time)
        }
    }
}
