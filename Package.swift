// swift-tools-version: 6.2
import PackageDescription

// A target is a wall: what it does not depend on, its code cannot reach.
// `Sources/Invok` depends on nothing that can touch the world.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// MARK: Products of other packages, by the name they have here

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

/// A target with the strict settings; its folder is `Sources/{name}` unless `path` says otherwise.
func wall(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// The unit tests of the target `name`: `Tests/Unit/{name}Tests`, a file for each source file.
func unitTests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.target(name: name)] + dependencies,
        path: "Tests/Unit/\(name)Tests",
        swiftSettings: strict)
}

/// Tests of the target `name` that start processes or open sockets: `Tests/Integration/{name}`.
func integrationTests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)IntegrationTests",
        dependencies: [.target(name: name)] + dependencies,
        path: "Tests/Integration/\(name)",
        swiftSettings: strict)
}

// Debian's file for hiredis names a flag that SwiftPM refuses with a warning, and there its header is found anyhow.
#if os(macOS)
    let hiredisPkgConfig: String? = "hiredis"
#else
    let hiredisPkgConfig: String? = nil
#endif

let package = Package(
    name: "invok",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Invok", targets: ["Invok"]),
        .library(name: "InvokSim", targets: ["InvokSim"]),
        .executable(name: "invok-core", targets: ["invok-core"]),
        .executable(name: "invok-sim", targets: ["invok-sim"]),
        .executable(name: "invok", targets: ["InvokCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        // MARK: The system without effects
        // What the command line and the server both know.
        wall("InvokModel", [crypto]),
        // What `invok create` writes.
        wall("InvokTemplates", ["InvokModel"]),
        wall("InvokConcurrency", []),
        .target(
            name: "Invok", dependencies: ["InvokConcurrency", "InvokModel", crypto, httpTypes, logging],
            sources: ["Ports", "Machines", "Services"], swiftSettings: strict),

        // MARK: Adapters, one family each
        .systemLibrary(name: "CLinux"),
        // Files, descriptors, processes, and threads for calls that block.
        wall("InvokPOSIX", ["InvokModel", "CLinux", logging]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        wall("InvokArchive", ["Invok", "InvokPOSIX", "CZlib"]),
        wall("InvokEmbedded", ["Invok", "InvokConcurrency", "InvokPOSIX"]),
        wall("InvokAuth", ["Invok", crypto, cryptoExtras, jwtKit]),
        wall("InvokSQLite", ["Invok", grdb]),
        .systemLibrary(
            name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        wall("InvokPostgres", ["Invok", "CPostgres", logging]),
        .systemLibrary(
            name: "CHiredis", pkgConfig: hiredisPkgConfig, providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        wall("InvokRedis", ["Invok", "InvokConcurrency", "CHiredis", logging]),
        wall(
            "InvokRuntimes", ["Invok"],
            resources: [
                .embedInCode("Resources")
            ]),
        // The first process of sandboxes and containers: a program in C, and what it is told.
        .plugin(name: "EmbedInit", capability: .buildTool()),
        .target(
            name: "InvokInit", dependencies: ["InvokPOSIX", "CLinux"], exclude: ["Program"], swiftSettings: strict,
            plugins: ["EmbedInit"]),
        // From an archive to a bundle, in whatever isolates builds.
        wall("InvokBuild", ["Invok", "InvokConcurrency", "InvokPOSIX", "InvokRuntimes", logging]),
        // Networks of instances: namespaces, rules, resolvers.
        wall("InvokEgress", ["Invok", "InvokPOSIX", "CLinux", logging]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        wall(
            "InvokSandbox",
            [
                "Invok", "InvokBuild", "InvokConcurrency", "InvokEgress", "InvokInit", "InvokPOSIX", "InvokRuntimes",
                "CLinux", "CSeccomp", logging,
            ]),
        wall(
            "InvokDocker",
            [
                "Invok", "InvokBuild", "InvokConcurrency", "InvokInit", "InvokPOSIX", "InvokRuntimes", "CLinux",
                asyncHTTPClient, logging, nioCore, nioHTTP1,
            ]),

        // MARK: HTTP
        .target(name: "CConsole"),
        // The web console's files.
        .target(
            name: "InvokConsole", dependencies: ["InvokModel", "InvokPOSIX", "CConsole", "CZlib", httpTypes],
            exclude: ["Web"], swiftSettings: strict),
        // Calls of functions.
        wall("InvokProxy", ["Invok", httpTypes, nioCore, nioPosix, nioSSL]),
        // The control API, and the server.
        wall(
            "InvokAPI",
            [
                "Invok", "InvokConsole", "InvokProxy", "InvokTemplates", "CZlib", hummingbird, httpTypes, lifecycle,
                logging, nioCore,
            ]),
        // The package registries as builds reach them.
        wall(
            "InvokRegistry",
            [
                "Invok", "InvokBuild", "InvokConcurrency", "InvokPOSIX", "InvokProxy", asyncHTTPClient, crypto,
                httpTypes, logging, nioCore, nioHTTP1, nioSSL,
            ]),

        // MARK: The simulation
        .target(name: "CSimulation"),
        // Simulated adapters and the scheduler.
        wall("InvokSim", ["Invok", "InvokConcurrency", "CSimulation", httpTypes]),
        // The simulated network: event loops, connections, and what speaks HTTP on them.
        wall("InvokSimNetwork", ["Invok", "InvokProxy", "InvokSim", httpTypes, nioCore]),
        // The test-bed: cluster, people, faults, histories, checkers.
        wall(
            "InvokSimulation",
            ["Invok", "InvokAPI", "InvokConcurrency", "InvokProxy", "InvokSim", "InvokSimNetwork", httpTypes, logging]),

        // MARK: Executables
        .executableTarget(
            name: "invok-core",
            dependencies: [
                "Invok", "InvokAPI", "InvokArchive", "InvokAuth", "InvokBuild", "InvokConsole", "InvokDocker",
                "InvokEgress", "InvokEmbedded", "InvokPOSIX", "InvokPostgres", "InvokProxy", "InvokRedis",
                "InvokRegistry", "InvokSandbox",
                "InvokSQLite", "CLinux", argumentParser, configuration, lifecycle, logging, nioCore, nioPosix,
                nioSSL, unixSignals,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "invok-sim", dependencies: ["InvokSim", "InvokSimulation", argumentParser],
            swiftSettings: strict),
        // The CLI shares the folder `Sources/Invok` on a case-insensitive disk, so both name their subfolders.
        .executableTarget(
            name: "InvokCLI",
            dependencies: [
                "InvokModel", "InvokTemplates", "CZlib", argumentParser, asyncHTTPClient, nioCore, nioHTTP1, nioPosix,
                nioSSL,
            ],
            path: "Sources/invok", sources: ["Commands", "Client", "Project", "Terminal"], swiftSettings: strict),

        // MARK: Tests
        unitTests(of: "InvokModel", ["InvokSim"]),
        unitTests(of: "InvokConcurrency", ["TestSupport"]),
        unitTests(of: "Invok", ["InvokSim", "TestSupport", httpTypes, logging]),
        unitTests(of: "InvokPOSIX", ["TestSupport", logging]),
        unitTests(of: "InvokArchive", ["Invok", "CZlib"]),
        unitTests(of: "InvokEmbedded", ["Invok"]),
        unitTests(of: "InvokAuth", ["Invok", cryptoExtras]),
        unitTests(of: "InvokSQLite", ["Invok", grdb]),
        unitTests(of: "InvokPostgres", ["Invok"]),
        unitTests(of: "InvokRedis", ["Invok"]),
        unitTests(of: "InvokRuntimes", ["Invok"]),
        unitTests(of: "InvokInit"),
        unitTests(of: "InvokBuild", ["Invok", "InvokPOSIX", "TestSupport"]),
        unitTests(of: "InvokEgress", ["Invok"]),
        unitTests(of: "InvokSandbox", ["Invok", "InvokRuntimes"]),
        unitTests(of: "InvokDocker", ["Invok", "InvokBuild", "InvokInit", "InvokRuntimes"]),
        unitTests(of: "InvokProxy", ["Invok", httpTypes, nioCore, nioEmbedded, nioHTTP1]),
        unitTests(of: "InvokConsole", [httpTypes]),
        unitTests(of: "InvokAPI", ["Invok", "InvokProxy", httpTypes, nioCore]),
        unitTests(of: "InvokSim", ["Invok", "TestSupport", httpTypes]),
        unitTests(of: "InvokSimNetwork", ["Invok", "InvokProxy", "InvokSim", nioCore]),
        unitTests(of: "InvokSimulation", ["Invok", "InvokSim", "InvokSimNetwork", "TestSupport", httpTypes, logging]),
        unitTests(of: "InvokCLI", ["InvokModel", nioCore]),
        integrationTests(of: "Invok"),
        integrationTests(of: "InvokModel"),
        integrationTests(of: "InvokRuntimes", ["Invok", "InvokTemplates", "TestSupport", "CLinux"]),
        unitTests(of: "InvokRegistry", ["Invok", "InvokPOSIX", "InvokSim", "TestSupport"]),
        integrationTests(of: "InvokInit", ["InvokPOSIX", "TestSupport"]),
        integrationTests(
            of: "InvokRegistry",
            ["Invok", "InvokBuild", "InvokEmbedded", "InvokInit", "InvokPOSIX", "InvokSim", "TestSupport", logging]),
        integrationTests(of: "InvokBuild", ["Invok", "InvokPOSIX", "InvokRuntimes", "TestSupport", logging]),
        integrationTests(
            of: "InvokSandbox",
            [
                "Invok", "InvokBuild", "InvokEgress", "InvokEmbedded", "InvokPOSIX", "InvokRuntimes", "InvokTemplates",
                logging,
            ]),
        integrationTests(of: "InvokDocker", ["Invok", "InvokInit", "InvokPOSIX"]),
        integrationTests(of: "InvokProxy", ["Invok", "InvokProxyTests", "TestSupport", httpTypes, nioCore, nioPosix]),
        integrationTests(
            of: "InvokAPI",
            [
                "Invok", "InvokConsole", "InvokProxy", "InvokSim", "TestSupport", httpTypes, hummingbird, lifecycle,
                logging, nioCore, nioHTTP1, nioPosix,
            ]),
        integrationTests(
            of: "InvokCLI", ["InvokArchive", "InvokModel", "InvokSim", argumentParser, nioCore, nioHTTP1, nioPosix]),
        .target(
            name: "TestSupport", dependencies: ["Invok", "InvokPOSIX", httpTypes, nioCore, nioPosix, nioSSL],
            path: "Tests/Support", swiftSettings: strict),
        .testTarget(
            name: "Conformance",
            dependencies: [
                "Invok", "InvokAuth", "InvokEmbedded", "InvokPostgres", "InvokProxy", "InvokRedis", "InvokRegistry",
                "InvokSim", "InvokSimNetwork", "InvokSimulation", "InvokSQLite", "TestSupport", "invok-core",
                asyncHTTPClient, httpTypes, logging,
                nioCore, nioHTTP1,
            ],
            path: "Tests/Conformance", swiftSettings: strict),
        .testTarget(
            name: "Integration",
            dependencies: [
                "Invok", "InvokBuild", "InvokCLI", "InvokConcurrency", "InvokDocker", "InvokEmbedded", "InvokPOSIX",
                "InvokPostgres", "InvokRedis", "InvokRuntimes", "InvokSandbox", "TestSupport", "invok-core",
                asyncHTTPClient, logging, nioCore, nioHTTP1, nioPosix, nioSSL,
            ],
            path: "Tests/Integration",
            exclude: [
                "Invok", "InvokAPI", "InvokBuild", "InvokCLI", "InvokDocker", "InvokInit", "InvokModel", "InvokProxy",
                "InvokRegistry", "InvokRuntimes", "InvokSandbox",
            ],
            swiftSettings: strict),
    ]
)
