import Foundation
import Invok
import InvokEmbedded
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FileLogStoreTests {
    private let folder: TemporaryFolder
    private let function: FunctionKey

    init() throws {
        folder = try TemporaryFolder()
        function = FunctionKey(namespace: Namespace(high: 0, low: 1), name: try FunctionName("hello"))
    }

    private var path: String { "\(function.namespace)/hello" }

    private func lines(_ texts: String...) -> [LogLine] {
        texts.map {
            LogLine(time: Timestamp(millisecondsSinceEpoch: 1000), source: .stdout, instance: nil, text: $0)
        }
    }

    private func texts(_ store: FileLogStore) async throws -> [String] {
        try await store.lines(of: function, since: nil, limit: 1_000_000).map(\.line.text)
    }

    @Test(arguments: ["1000002\t10", "1000002\t1000\tstdout\t-\ttorn", "\u{0}\u{0}\u{0}", "x\n", "\n\n"])
    func toleratesWhatACrashTore(_ tail: String) async throws {
        try await FileLogStore(directory: folder.path).append(lines("one", "two"), to: function)
        try folder.append(tail, to: "\(path)/current.log")
        let store = try FileLogStore(directory: folder.path)
        #expect(try await texts(store) == ["one", "two"])
        try await store.append(lines("three"), to: function)
        #expect(try await texts(store) == ["one", "two", "three"])
        let sequences = try await store.lines(of: function, since: nil, limit: 9).map(\.cursor.sequence)
        #expect(sequences == [1_000_000, 1_000_001, 1_000_002])
    }

    @Test func keepsTwoFilesOfTheGivenSize() async throws {
        let store = try FileLogStore(directory: folder.path, maximumFileBytes: 10_000)
        for number in 0..<1000 {
            try await store.append(lines("\(number) \(String(repeating: "x", count: 80))"), to: function)
        }
        #expect(folder.files == ["\(path)/current.log", "\(path)/previous.log"])
        for file in folder.files {
            let size = try Data(contentsOf: URL(filePath: "\(folder.path)/\(file)")).count
            #expect(size <= 10_000)
        }
    }

    @Test func rotatesWithinOneLargeAppend() async throws {
        let store = try FileLogStore(directory: folder.path, maximumFileBytes: 10_000)
        let many = (0..<1000).map { "line \($0)" }
        try await store.append(many.flatMap { lines($0) }, to: function)
        let kept = try await texts(store)
        #expect(kept.count > 200)
        #expect(kept == Array(many.suffix(kept.count)))
    }

    @Test func keepsALineThatIsLargerThanAFile() async throws {
        let store = try FileLogStore(directory: folder.path, maximumFileBytes: 100)
        let long = String(repeating: "x", count: 500)
        try await store.append(lines("a", long, "b"), to: function)
        #expect(try await texts(store) == [long, "b"])
    }

    @Test func readsBeyondTheTailOfALargeFile() async throws {
        let store = try FileLogStore(directory: folder.path)
        let many = (0..<5000).map { "line \($0) \(String(repeating: "x", count: 80))" }
        try await store.append(many.flatMap { lines($0) }, to: function)
        #expect(try await texts(store) == many)
        let last = try await store.lines(of: function, since: nil, limit: 3)
        #expect(last.map(\.line.text) == Array(many.suffix(3)))
        let cursor = LogCursor(sequence: last[0].cursor.sequence - 4000)
        var followed: [String] = []
        for await entry in store.follow(function, after: cursor) {
            followed.append(entry.line.text)
            if followed.count == 4002 { break }
        }
        #expect(followed == Array(many.suffix(4002)))
    }

    @Test func leavesNothingBehindWhenRemoved() async throws {
        let store = try FileLogStore(directory: folder.path)
        try await store.append(lines("one"), to: function)
        try await store.remove(function)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        try await store.append(lines("two"), to: function)
        #expect(try await texts(store) == ["two"])
    }

    @Test func keepsNoFileOpen() async throws {
        let store = try FileLogStore(directory: folder.path)
        for number in 0..<1100 {
            let key = FunctionKey(namespace: Namespace(high: 0, low: UInt64(number)), name: function.name)
            try await store.append(lines("of \(number)"), to: key)
        }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.hasPrefix(folder.path) == true
        }
        #expect(open.isEmpty)
        // Functions that are not remembered any more go on where their files end.
        try await store.append(
            lines("more"), to: FunctionKey(namespace: Namespace(high: 0, low: 0), name: function.name))
        let key = FunctionKey(namespace: Namespace(high: 0, low: 0), name: function.name)
        let entries = try await store.lines(of: key, since: nil, limit: 9)
        #expect(entries.map(\.line.text) == ["of 0", "more"])
        #expect(entries.map(\.cursor.sequence) == [1_000_000, 1_000_001])
    }

    @Test func aFullDiskTearsNoLine() async throws {
        let disk = try SmallDisk(kilobytes: 256)
        let store = try FileLogStore(directory: disk.folder.path)
        try await store.append(lines("one"), to: function)
        let large = String(repeating: "x", count: LogLine.maximumBytes)
        let many = Array(repeating: lines(large)[0], count: 40)
        await #expect(throws: LogError.full) { try await store.append(many, to: function) }
        #expect(try await texts(store) == ["one"])
        try await store.append(lines("two"), to: function)
        #expect(try await texts(FileLogStore(directory: disk.folder.path)) == ["one", "two"])
    }
}
