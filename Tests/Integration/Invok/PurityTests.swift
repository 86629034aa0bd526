import Foundation
import Testing

/// `Sources/Invok` reaches time, randomness and threads through ports only, or a simulation is no function of its seed.
/// What its object files use says so, whatever the sources look like.
struct PurityTests {
    /// Parts of mangled names that nothing may use. Each stands for a way to the world that has a port.
    static let forbidden = [
        "4DateVACycfC",  // Date()
        "4UUIDVACycfC",  // UUID()
        "SystemRandomNumberGenerator", "swift_stdlib_random", "arc4random", "getrandom",
        // Int.random(in:), Bool.random(), shuffled(), shuffle(), randomElement(): without a generator of their own.
        "E6random2inxSNyxG_tFZ", "E6random2inxSnyxG_tFZ", "$sSb6randomSb", "E8shuffledSay", "E7shuffleyyF",
        "E13randomElement0",
        "5sleep", "15ContinuousClock", "15SuspendingClock", "clock_gettime", "gettimeofday",
        "dispatch_", "$s8Dispatch", "pthread_create",
    ]

    /// The files that may start a task without a parent: each waits for it, or owns it.
    static let mayStartTasks = ["Shield.swift.o", "SingleFlight.swift.o", "Preparation.swift.o"]

    /// `Sources/Invok` and what it is made of.
    static let modules = ["InvokModel": 20, "InvokConcurrency": 5, "Invok": 40]

    // MARK: What object files say

    struct Symbol {
        let name: String
        let isDefined: Bool
    }

    /// Reads what nm(1) prints.
    static func symbols(in listing: String) -> [Symbol] {
        listing.split(separator: "\n").compactMap { line in
            let columns = line.split(separator: " ")
            guard columns.count >= 2, let name = columns.last else { return nil }
            return Symbol(name: String(name), isDefined: columns[columns.count - 2] != "U")
        }
    }

    static func offences(in symbols: [Symbol], of object: String) -> Set<String> {
        let reachesOut = symbols.filter { symbol in
            !symbol.isDefined && !symbol.name.hasPrefix("$s5Invok")
                && forbidden.contains { symbol.name.contains($0) }
        }
        // The initializers of `Task`, `Task.detached` and `Task.immediate` are copied into each object that uses them.
        // Child tasks have no such symbol, and `swift_task_create` is called for both.
        let startsTasks = symbols.filter { symbol in
            symbol.name.hasPrefix("$sScT") && symbol.name.contains("9operation") && !mayStartTasks.contains(object)
        }
        return Set((reachesOut + startsTasks).map { "\(object): \($0.name)" })
    }

    private static func run(_ arguments: [String], in folder: URL) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(arguments.joined(separator: " "))")
        return text
    }

    private static func offences(inObject name: String, of folder: URL) throws -> Set<String> {
        let symbols = symbols(in: try run(["nm", name], in: folder))
        try #require(symbols.contains { $0.name.hasPrefix("$s") }, "nm shows nothing of \(name)")
        return offences(in: symbols, of: name)
    }

    // MARK: The core

    @Test(arguments: modules.keys) func nothingReachesTheWorldPastThePorts(module: String) throws {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let folder = products.appending(path: "\(module).build")
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources/\(module)")
        let files = try FileManager.default.subpathsOfDirectory(atPath: sources.path(percentEncoded: false))
            // That one has nothing but an import.
            .filter { $0.hasSuffix(".swift") && $0 != "Ports/Model.swift" }
        #expect(files.count > Self.modules[module] ?? 0)
        for file in files.sorted() {
            let object = URL(filePath: file).lastPathComponent + ".o"
            #expect(try Self.offences(inObject: object, of: folder) == [])
        }
    }

    // MARK: The test itself

    @Test(arguments: [
        "                 U $s10Foundation4DateVACycfC", "                 U $s20FoundationEssentials4UUIDVACycfC",
        "                 U $ss27SystemRandomNumberGeneratorV4nexts6UInt64VyF", "                 U clock_gettime",
        "                 U $sScTss5NeverORszABRs_rlE5sleep3for9tolerance5clocky8DurationQyd___",
    ])
    func offencesAreSeen(symbol: String) {
        #expect(Self.offences(in: Self.symbols(in: symbol), of: "a.o").count == 1)
    }

    /// What nobody may write, and what everybody may.
    static let samples = [
        ("Init", "Task { await work() }", true),
        ("Throwing", "Task<Void, any Error> { try Task.checkCancellation() }", true),
        ("Detached", "Task.detached { await work() }", true),
        ("Immediate", "Task.immediate { await work() }", true),
        ("Sleep", "try? await Task.sleep(for: .seconds(1))", true),
        ("Clock", "print(ContinuousClock.now)", true),
        ("Random", "print(Int.random(in: 1...6))", true),
        ("Thread", "Dispatch.DispatchQueue.global().async {}", true),
        ("Group", "await withTaskGroup(of: Void.self) { $0.addTask { await work() } }", false),
        ("Child", "async let value: Void = work()\n_ = await value", false),
        ("Yield", "await Task.yield()", false),
    ]

    @Test func plantedOffencesAreSeen() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "purity-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, code, _) in Self.samples {
            let source = "import Dispatch\n@available(macOS 26, *)\nfunc planted\(name)() async {\n\(code)\n}\n"
            try Data(source.utf8).write(to: folder.appending(path: "\(name).swift"))
        }
        try Data("func work() async {}\n".utf8).write(to: folder.appending(path: "Work.swift"))
        let files = (Self.samples.map(\.0) + ["Work"]).map { "\($0).swift" }
        _ = try Self.run(["swiftc", "-c", "-parse-as-library", "-module-name", "Planted"] + files, in: folder)
        for (name, code, isOffence) in Self.samples {
            #expect(try Self.offences(inObject: "\(name).o", of: folder).isEmpty != isOffence, "\(code)")
        }
    }
}
