import Testing

@testable import InvokProxy

/// Whatever comes, and however it was split on its way, it is read as the standard says, or not at all.
struct RequestReaderTests {
    @Test(arguments: RequestSample.all) func isReadAsTheStandardSays(sample: RequestSample) {
        #expect(FedRequest([Array(sample.text.utf8)[...]]) == sample.meaning)
    }

    @Test(arguments: RequestSample.all) func noSplitMakesADifference(sample: RequestSample) {
        let bytes = Array(sample.text.utf8)
        #expect(FedRequest(bytes.indices.map { bytes[$0...$0] }) == sample.meaning, "byte by byte")
        // Every place of a short one; of a long one those at its ends, where something may happen.
        let places = bytes.count < 2000 ? Array(0...bytes.count) : Array(0..<20) + (bytes.count - 20..<bytes.count)
        for place in places {
            #expect(FedRequest([bytes[..<place], bytes[place...]]) == sample.meaning, "split at \(place)")
        }
    }

    @Test func thereAreEnough() {
        let wrong = RequestSample.all.filter { if case .fault = $0.meaning { true } else { false } }
        #expect(wrong.count >= 150)
        #expect(Set(RequestSample.all.map(\.text)).count == RequestSample.all.count, "one is there twice")
    }
}
