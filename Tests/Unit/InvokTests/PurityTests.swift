import Foundation
import Testing

/// `Sources/Invok` reaches time, randomness and threads through ports only, or a simulation is no function of its seed.
/// What the object files do not define but use says so, whatever the sources look like.
struct PurityTests {
    /// Parts of mangled names. Each stands for a way to the world that has a port.
    static let forbidden = [
        "4DateVACycfC",  // Date()
        "4UUIDVACycfC",  // UUID()
        "SystemRandomNumberGenerator", "swift_stdlib_random", "arc4random", "getrandom",
        "5sleep", "15ContinuousClock", "15SuspendingClock", "clock_gettime", "gettimeofday",
        "dispatch_", "$s8Dispatch", "pthread_create",
    ]

    static func offences(in symbols: String) -> [String] {
        symbols.split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) }
            .filter { symbol in !symbol.hasPrefix("$s5Invok") && forbidden.contains { symbol.contains($0) } }
    }

    @Test func nothingReachesTheWorldPastThePorts() throws {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let folder = products.appending(path: "Invok.build")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
        let objects = names.filter { $0.hasSuffix(".o") }.map { folder.appending(path: $0).path(percentEncoded: false) }
        #expect(!objects.isEmpty)
        let nm = Process()
        nm.executableURL = URL(filePath: "/usr/bin/env")
        nm.arguments = ["nm", "-u"] + objects
        let output = Pipe()
        nm.standardOutput = output
        try nm.run()
        let symbols = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        nm.waitUntilExit()
        #expect(nm.terminationStatus == 0)
        #expect(symbols.contains("swift_retain"), "nm listed nothing")
        #expect(Self.offences(in: symbols) == [])
    }

    @Test(arguments: [
        "                 U $s10Foundation4DateVACycfC", "                 U $s20FoundationEssentials4UUIDVACycfC",
        "                 U $ss27SystemRandomNumberGeneratorV4nexts6UInt64VyF", "                 U clock_gettime",
        "                 U $sScTss5NeverORszABRs_rlE5sleep3for9tolerance5clocky8DurationQyd___",
    ])
    func offencesAreSeen(symbol: String) {
        #expect(Self.offences(in: symbol).count == 1)
    }
}
