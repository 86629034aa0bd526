public import Invok

/// The images that functions run and are built in, for each runtime.
public struct DockerImages: Hashable, Sendable {
    /// The setting that names the image a runtime's functions run in, or that builds them.
    public static func variable(_ runtime: Runtime, isBuilder: Bool) -> String {
        let name = runtime == .nodejs ? "NODE" : runtime.rawValue.uppercased()
        return isBuilder ? "INVOK_\(name)_BUILDER_IMAGE" : "INVOK_\(name)_IMAGE"
    }

    /// The official ones. A Go function is one static binary, so nearly nothing runs it.
    static let standard: [Runtime: (run: String, build: String)] = [
        .go: ("alpine:3", "golang:1"), .python: ("python:3-slim", "python:3-slim"),
        .nodejs: ("node:24-slim", "node:24-slim"),
    ]

    private let runners: [Runtime: String]
    private let builders: [Runtime: String]

    /// - Parameter setting: the value of a variable, `nil` where it is not set. A runtime without a builder image is
    ///   built in the image that it runs in.
    /// - Throws: when a value is no image's name.
    public init(setting: (String) -> String?) throws(DockerSettingError) {
        var runners: [Runtime: String] = [:]
        var builders: [Runtime: String] = [:]
        for runtime in Runtime.allCases {
            let standard = Self.standard[runtime] ?? ("", "")
            let given = try Self.checked(Self.variable(runtime, isBuilder: false), setting)
            let builder = try Self.checked(Self.variable(runtime, isBuilder: true), setting)
            runners[runtime] = given ?? standard.run
            builders[runtime] = builder ?? (runtime == .go ? standard.build : given ?? standard.build)
        }
        (self.runners, self.builders) = (runners, builders)
    }

    public func runner(of runtime: Runtime) -> String { runners[runtime] ?? "" }
    public func builder(of runtime: Runtime) -> String { builders[runtime] ?? "" }

    /// Each image with what it is for and the variable that names it, once.
    var all: [(image: String, variable: String)] {
        var seen: Set<String> = []
        return Runtime.allCases.flatMap { runtime in
            [
                (runner(of: runtime), Self.variable(runtime, isBuilder: false)),
                (builder(of: runtime), Self.variable(runtime, isBuilder: true)),
            ]
        }.filter { seen.insert($0.0).inserted }
    }

    private static func checked(_ variable: String, _ setting: (String) -> String?) throws(DockerSettingError)
        -> String?
    {
        guard let value = setting(variable), !value.isEmpty else { return nil }
        guard isReference(value) else {
            throw DockerSettingError(
                message: "\(variable) is '\(value)', which is no image's name; write it as 'python:3-slim'")
        }
        return value
    }

    /// `[host[:port]/]path[:tag][@sha256:digest]`, by its characters; the engine knows the rest.
    static func isReference(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 512, isWord(first) else { return false }
        return text.utf8.allSatisfy { isWord($0) || "._-/:@".utf8.contains($0) } && !text.contains("//")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
