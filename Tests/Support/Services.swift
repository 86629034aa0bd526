import Foundation

/// The servers of the production world, as `ci/services` tells of them. Tests that need one fail without it.
public enum Services {
    public struct Missing: Error, CustomStringConvertible {
        public let description: String
    }

    /// Whether `WORLDS` selects the world of production. Tests of its parts run then, and fail where a server is missing.
    public static let areSelected =
        ProcessInfo.processInfo.environment["WORLDS"]?.split(separator: ",").contains("production") ?? false

    /// The URL of a PostgreSQL database in which tests may make schemas.
    public static func databaseURL() throws -> String { try value("DATABASE_URL", of: "postgres") }

    public static func redisURL() throws -> String { try value("REDIS_URL", of: "redis") }

    /// The address of a Docker Engine that has the images of `ci/base-images`, or those that are set.
    public static func dockerHost() throws -> String { try value("DOCKER_HOST", of: "docker") }

    /// Removes what an installation's core left running in Docker, as it may.
    public static func removeContainers(ofDataDirectory directory: String) async throws {
        guard let text = try? String(contentsOfFile: directory + "/installation", encoding: .utf8) else { return }
        let found = try await run("docker", ["ps", "-aq", "--filter", "label=invok.owner=\(text.prefix(16))"])
        let containers = found.split(separator: "\n").map(String.init)
        if !containers.isEmpty { try await run("docker", ["rm", "-f"] + containers) }
    }

    private static func value(_ variable: String, of service: String) throws -> String {
        if let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty { return value }
        throw Missing(
            description: "\(variable) is not set; run ci/test, or first: set -a; eval \"$(ci/services up \(service))\""
                + (service == "docker" ? #"; eval "$(ci/base-images)""# : ""))
    }

    /// Runs a test with a schema of its own in the tests' database.
    /// - Parameter body: gets a URL whose sessions see that schema only.
    public static func withSchema<Value>(_ body: (_ url: String) async throws -> Value) async throws -> Value {
        let schema = try await TestSchema.make()
        do {
            let value = try await body(schema.url)
            try await schema.remove()
            return value
        } catch {
            try? await schema.remove()
            throw error
        }
    }

    /// Runs SQL by `psql`, which is another client than ours.
    /// - Returns: what it printed: the rows, unaligned and without a head.
    @discardableResult
    public static func sql(_ text: String, in database: String) async throws -> String {
        try await run(
            "psql", ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-At", "--dbname", database, "-c", text],
            environment: ["PGOPTIONS": "-c client_min_messages=warning"])
    }

    /// Runs a program of the PATH to its end.
    /// - Returns: what it printed, without the last line's end.
    /// - Throws: when its status is not 0.
    @discardableResult
    public static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = Products.package
        process.standardInput = FileHandle.nullDevice
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, errors)
        let ended = ProcessEnd(of: process)
        try process.run()
        async let said = text(of: output.fileHandleForReading)
        async let complained = text(of: errors.fileHandleForReading)
        let texts = await (said, complained)
        await ended.wait()
        guard process.terminationStatus == 0 else {
            throw Missing(
                description: "\(program) \(arguments.first ?? "") ended with \(process.terminationStatus): \(texts.1)")
        }
        return texts.0.hasSuffix("\n") ? String(texts.0.dropLast()) : texts.0
    }

    /// In a thread of its own, since reading waits.
    private static func text(of handle: FileHandle) async -> String {
        await withCheckedContinuation { done in
            Thread.detachNewThread {
                done.resume(returning: String(decoding: handle.readDataToEndOfFile(), as: UTF8.self))
            }
        }
    }
}

/// A schema of a test's own in the tests' database.
public struct TestSchema: Sendable {
    /// The database by a URL whose sessions see this schema only.
    public let url: String
    private let name: String
    private let database: String

    public static func make() async throws -> TestSchema {
        let database = try Services.databaseURL()
        let name = "test_" + UUID().uuidString.replacing("-", with: "").lowercased()
        try await Services.sql("CREATE SCHEMA \(name)", in: database)
        let separator = database.contains("?") ? "&" : "?"
        return TestSchema(
            url: "\(database)\(separator)options=-csearch_path%3D\(name)", name: name, database: database)
    }

    public func remove() async throws { try await Services.sql("DROP SCHEMA \(name) CASCADE", in: database) }
}

/// Servers of a test's own, which it may stop: `ci/services` with a folder of its own.
public struct OwnServices: Sendable {
    public let databaseURL: String
    public let redisURL: String
    public let dockerHost: String
    private let folder: String

    /// Starts them, runs the body, and takes them away.
    public static func with<Value>(
        _ names: String..., body: (OwnServices) async throws -> Value
    ) async throws -> Value {
        let folder = NSTemporaryDirectory() + "invok-services-\(UUID().uuidString.prefix(8))"
        do {
            let said = try await command(["up"] + names, folder)
            let urls = Dictionary(
                uniqueKeysWithValues: said.split(separator: "\n").compactMap { line -> (String, String)? in
                    guard let equals = line.firstIndex(of: "=") else { return nil }
                    let value = line[line.index(after: equals)...].filter { $0 != "'" }
                    return (String(line[..<equals]), value)
                })
            let services = OwnServices(
                databaseURL: urls["DATABASE_URL"] ?? "", redisURL: urls["REDIS_URL"] ?? "",
                dockerHost: urls["DOCKER_HOST"] ?? "", folder: folder)
            let value = try await body(services)
            try await command(["down"], folder)
            return value
        } catch {
            _ = try? await command(["down"], folder)
            throw error
        }
    }

    public func stop(_ name: String) async throws { _ = try await Self.command(["stop", name], folder) }
    public func start(_ name: String) async throws { _ = try await Self.command(["start", name], folder) }
    /// Lets a server hang (SIGSTOP), so that nothing says that it is away.
    public func freeze(_ name: String) async throws { _ = try await Self.command(["freeze", name], folder) }
    public func thaw(_ name: String) async throws { _ = try await Self.command(["thaw", name], folder) }

    @discardableResult
    private static func command(_ arguments: [String], _ folder: String) async throws -> String {
        try await Services.run("ci/services", arguments, environment: ["INVOK_SERVICES": folder])
    }
}
