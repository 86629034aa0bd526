import Invok
import Testing

@testable import InvokAPI

struct MultipartParserTests {
    private func parse(_ body: String, chunk: Int, type: String = "multipart/form-data; boundary=XX") throws
        -> (events: [MultipartParser.Event], isComplete: Bool)
    {
        var parser = try MultipartParser(contentType: type)
        var events: [MultipartParser.Event] = []
        var rest = Array(body.utf8)[...]
        while !rest.isEmpty {
            for event in try parser.consume(rest.prefix(chunk)) {
                // Data that came in several pieces is one.
                if case .data(let more) = event, case .data(let before) = events.last {
                    events[events.count - 1] = .data(before + more)
                } else {
                    events.append(event)
                }
            }
            rest = rest.dropFirst(chunk)
        }
        return (events, parser.isComplete)
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func readsPartsHoweverTheyAreCut(chunk: Int) throws {
        let body =
            "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--XX  \r\n"
            + "content-disposition: form-data; name=file; filename=\"h\\\"i;.zip\"\r\nContent-Type: application/zip\r\n\r\n"
            + "two\r\n--X\r\n-\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX--\r\nepilogue"
        let (events, isComplete) = try parse(body, chunk: chunk)
        #expect(isComplete)
        #expect(
            events == [
                .began(name: "a", fileName: nil), .data(Array("one".utf8)), .ended,
                .began(name: "file", fileName: "h\"i;.zip"), .data(Array("two\r\n--X\r\n-\r\n".utf8)), .ended,
                .began(name: "empty", fileName: nil), .ended,
            ])
    }

    @Test func aBodyWithoutItsEndIsNotComplete() throws {
        let (events, isComplete) = try parse(
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--X", chunk: 5)
        #expect(!isComplete)
        #expect(events.last == .data(Array("one".utf8)))
    }

    @Test(arguments: [
        "--XX\r\n\r\nx\r\n--XX--", "--XX\r\nContent-Disposition: attachment\r\n\r\nx", "--XXY\r\n\r\n",
        "--XX\r\nno colon\r\n\r\n", "--XX\r\nA: \(String(repeating: "b", count: 9000))",
    ])
    func malformedPartsAreRefused(body: String) {
        #expect(throws: InvokError.self) { try parse(body, chunk: 10) }
    }

    /// However the body is cut: also when a whole head comes at once.
    @Test(arguments: [100, 1_000_000])
    func headsAreCapped(chunk: Int) throws {
        func body(_ count: Int) -> String {
            let long = String(repeating: "b", count: count)
            return "--XX\r\nContent-Disposition: form-data; name=a\r\nA: \(long)\r\n\r\n\r\n--XX--"
        }
        #expect(try parse(body(8000), chunk: chunk).isComplete)
        let error = #expect(throws: InvokError.self) { try parse(body(8200), chunk: chunk) }
        #expect(error?.code == .invalidRequest && error?.message.contains("8192") == true)
    }

    @Test(arguments: [7, 1_000_000])
    func partsAreCapped(chunk: Int) throws {
        func body(_ count: Int) -> String {
            String(repeating: "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", count: count) + "--XX--"
        }
        #expect(try parse(body(16), chunk: chunk).isComplete)
        let error = #expect(throws: InvokError.self) { try parse(body(17), chunk: chunk) }
        #expect(error?.code == .invalidRequest && error?.message.contains("16 parts") == true)
    }

    @Test(arguments: [
        ("application/json", InvokError.Code.unsupportedMediaType), ("multipart/form-data", .invalidRequest),
        ("multipart/form-data; boundary=", .invalidRequest), ("", .unsupportedMediaType),
    ])
    func theContentTypeHasToName(type: String, code: InvokError.Code) {
        #expect { try MultipartParser(contentType: type) } throws: { ($0 as? InvokError)?.code == code }
    }

    @Test func boundariesMayBeQuoted() throws {
        let (events, _) = try parse(
            "--a b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--a b--", chunk: 100,
            type: "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"")
        #expect(events == [.began(name: "x", fileName: nil), .ended])
    }
}
