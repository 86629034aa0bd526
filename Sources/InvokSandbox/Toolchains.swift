import Glibc
import InvokPOSIX

/// The toolchains of this machine.
public struct Toolchains: Hashable, Sendable {
    public let found: [Toolchain.Name: Toolchain]
    /// For each that was not found, a sentence with the next step.
    public let missing: [Toolchain.Name: String]

    public subscript(name: Toolchain.Name) -> Toolchain? { found[name] }

    init(found: [Toolchain.Name: Toolchain], missing: [Toolchain.Name: String] = [:]) {
        self.found = found
        self.missing = missing
    }

    /// Looks for each in `INVOK_GO`/`INVOK_NODE`/`INVOK_PYTHON`/`INVOK_ESBUILD`, then `$INVOK_TOOLCHAINS/bin`, then `PATH`, and takes
    /// the first that is new enough. Runs each candidate to ask for its version, so it blocks for some milliseconds.
    /// - Parameter environment: the core's environment variables.
    /// - Parameter names: the tools that are wanted.
    public static func discover(
        environment: [String: String], names: [Toolchain.Name] = Toolchain.Name.allCases
    ) -> Toolchains {
        var found: [Toolchain.Name: Toolchain] = [:]
        var missing: [Toolchain.Name: String] = [:]
        for name in names {
            var seen: [String] = []
            for candidate in candidates(name, environment) {
                switch examine(candidate, as: name, environment) {
                case .usable(let toolchain)?: found[name] = toolchain
                case .tooOld(let version)?: seen.append("\(candidate) is \(version)")
                case nil: continue
                }
                if found[name] != nil { break }
            }
            if found[name] == nil { missing[name] = sentence(name, tooOld: seen) }
        }
        return Toolchains(found: found, missing: missing)
    }

    private static func candidates(_ name: Toolchain.Name, _ environment: [String: String]) -> [String] {
        var candidates: [String] = []
        if let path = environment[name.variable], !path.isEmpty { candidates.append(path) }
        if let directory = toolchainDirectory(environment) { candidates.append("\(directory)/bin/\(name.rawValue)") }
        let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        candidates += path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name.rawValue)" }
        return candidates.filter { access($0, X_OK) == 0 }
    }

    private static func toolchainDirectory(_ environment: [String: String]) -> String? {
        if let given = environment["INVOK_TOOLCHAINS"], !given.isEmpty { return given }
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/invok/toolchains" }
        return environment["HOME"].map { $0 + "/.local/share/invok/toolchains" }
    }

    private enum Examined {
        case usable(Toolchain)
        case tooOld(String)
    }

    private static func examine(
        _ path: String, as name: Toolchain.Name, _ environment: [String: String]
    ) -> Examined? {
        var variables = environment.filter { ["PATH", "HOME", "PYENV_ROOT", "PYENV_VERSION"].contains($0.key) }
        variables["GOTOOLCHAIN"] = "local"
        guard let lines = firstLines(of: path, name.question, variables), lines.count == name.answerLines else {
            return nil
        }
        let version = lines[0].drop { !$0.isNumber }
        guard !version.isEmpty else { return nil }
        guard !isOlder(version, than: name.minimum) else { return .tooOld(String(version)) }
        guard let executable = Files.realPath(name == .python3 ? lines[1] : path) else { return nil }
        let root = name.isOneFile ? executable : Files.realPath(lines[name.answerLines - 1])
        guard let root, executable == root || executable.hasPrefix(root + "/") else { return nil }
        return .usable(
            Toolchain(
                name: name, version: String(version), executable: executable, root: root,
                parts: root == Toolchain.local ? parts(executable, version) : [],
                companions: companions(name, executable),
                hasLibraries: name == .python3 && !libraries(of: version, in: root + "/lib").isEmpty))
    }

    /// npm, which comes with node.
    private static func companions(_ name: Toolchain.Name, _ executable: String) -> [String] {
        let npm = "lib/node_modules/npm"
        return name == .node && Files.isDirectory("\(Toolchain.home(of: executable))/\(npm)") ? [npm] : []
    }

    /// The shared libraries that a Python may be made of.
    private static func libraries(of version: some StringProtocol, in folder: String) -> [String] {
        let short = version.split(separator: ".").prefix(2).joined(separator: ".")
        return Files.names(in: folder).filter { $0.hasPrefix("libpython\(short)") && $0.contains(".so") }.sorted()
    }

    /// What a Python in `/usr/local` needs of it, where operators have much besides.
    private static func parts(_ executable: String, _ version: some StringProtocol) -> [String] {
        let short = version.split(separator: ".").prefix(2).joined(separator: ".")
        let folder = Toolchain.local + "/lib"
        return [executable, "\(folder)/python\(short)"] + libraries(of: version, in: folder).map { "\(folder)/\($0)" }
    }

    /// What the program prints, by line; `nil` when it fails or does not end within ten seconds.
    private static func firstLines(
        of path: String, _ arguments: [String], _ environment: [String: String]
    ) -> [String]? {
        guard let null = try? Descriptor.open("/dev/null", O_RDWR), let output = try? Descriptor.pipe(),
            let process = try? spawn(
                path, arguments, environment: environment, descriptors: [null, output.writing, null]),
            let handle = try? Descriptor.process(process)
        else { return nil }
        if !handle.waitReadable(milliseconds: 10_000) { kill(process, SIGKILL) }
        var status: Int32 = 0
        guard retrying({ Int(waitpid(process, &status, 0)) }) > 0, status == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { (try? output.reading.readSome(into: $0)) ?? 0 }
        return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Compares the numbers, "22.9" being older than "22.18".
    static func isOlder(_ version: some StringProtocol, than minimum: [Int]) -> Bool {
        let numbers = version.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
        for (index, least) in minimum.enumerated() {
            let number = index < numbers.count ? numbers[index] : 0
            if number != least { return number < least }
        }
        return false
    }

    private static func sentence(_ name: Toolchain.Name, tooOld: [String]) -> String {
        let minimum = name.minimum.map(String.init).joined(separator: ".")
        let found = tooOld.isEmpty ? "was not found" : "is too old (\(tooOld.joined(separator: ", ")))"
        let loss = name == .esbuild ? ", and TypeScript is compiled no further than Node itself does" : ""
        return "\(name.rawValue) \(found)\(loss): install version \(minimum) or newer, for example with 'ci/setup',"
            + " or set \(name.variable) to its executable"
    }
}

extension Toolchain.Name {
    var variable: String {
        switch self {
        case .go: "INVOK_GO"
        case .node: "INVOK_NODE"
        case .python3: "INVOK_PYTHON"
        case .esbuild: "INVOK_ESBUILD"
        }
    }

    var minimum: [Int] {
        switch self {
        case .go: [1, 23]
        // Takes types away, and lets the shim say where modules are.
        case .node: [22, 18]
        case .python3: [3, 9]
        // What Debian 12 has.
        case .esbuild: [0, 17]
        }
    }

    /// Whether it needs nothing beyond its executable and the system's libraries.
    var isOneFile: Bool { self == .node || self == .esbuild }

    /// Arguments that make the tool print its version and, where that is not plain, its place.
    fileprivate var question: [String] {
        switch self {
        case .go: ["env", "GOVERSION", "GOROOT"]
        case .node, .esbuild: ["--version"]
        case .python3:
            [
                "-I", "-c",
                "import sys,platform;print(platform.python_version());"
                    + "print(getattr(sys,'_base_executable',sys.executable));print(sys.base_prefix)",
            ]
        }
    }

    fileprivate var answerLines: Int {
        switch self {
        case .go: 2
        case .node, .esbuild: 1
        case .python3: 3
        }
    }
}
