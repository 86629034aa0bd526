import Foundation
import InvokModel
import Testing

/// What other programs read; `ZipReaderTests` reads them with the server's own reader.
struct ZipWriterTests {
    /// Lists and tests an archive with Python's `zipfile`.
    private func listing(_ archive: [UInt8]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "invok-zip-\(UUID().uuidString).zip")
        try Data(archive).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let script = """
            import sys, zipfile
            z = zipfile.ZipFile(sys.argv[1])
            assert z.testzip() is None
            for i in z.infolist(): print(i.filename.encode(), i.file_size, oct(i.external_attr >> 16), i.date_time[0])
            """
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, file.path]
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: text, as: UTF8.self)
    }

    @Test func anotherProgramReadsIt() throws {
        var writer = ZipWriter()
        writer.add("config.json", content: Array("{}".utf8))
        writer.add("static/ü.bin", content: (0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        writer.add("empty", content: [])
        #expect(
            try listing(writer.finish()) == """
                b'config.json' 2 0o100644 1980
                b'static/\\xc3\\xbc.bin' 100000 0o100644 1980
                b'empty' 0 0o100644 1980

                """)
    }

    @Test func theEmptyArchiveIsOne() throws {
        #expect(try listing(ZipWriter().finish()) == "")
    }

    @Test func theSameFilesAreTheSameBytes() {
        var (one, other) = (ZipWriter(), ZipWriter())
        one.add("a", content: [1, 2, 3])
        other.add("a", content: [1, 2, 3])
        #expect(one.finish() == other.finish())
    }
}
