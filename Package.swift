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
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
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
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        // MARK: The system without effects
        .target(
            name: "Invok", dependencies: [crypto, httpTypes, logging],
            sources: ["Domain", "Ports", "Machines", "Services", "Wire"], swiftSettings: strict),

        // MARK: Adapters, one family each
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        wall("InvokArchive", ["Invok", "InvokConcurrency", "CZlib"]),
        wall("InvokEmbedded", ["Invok", "InvokConcurrency", logging]),
        wall("InvokAuth", ["Invok", cryptoExtras, jwtKit]),
        wall("InvokSQLite", ["Invok", grdb, logging]),
        .systemLibrary(
            name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        wall("InvokPostgres", ["Invok", "CPostgres", logging]),
        .systemLibrary(
            name: "CHiredis", pkgConfig: hiredisPkgConfig, providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        wall("InvokRedis", ["Invok", "CHiredis", logging]),
        wall(
            "InvokRuntimes", ["Invok"],
            resources: [
                .embedInCode("Resources")
            ]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        // The first process of sandboxes and containers: a program in C, and what it is told.
        .plugin(name: "EmbedInit", capability: .buildTool()),
        .target(name: "InvokInit", exclude: ["Program"], swiftSettings: strict, plugins: ["EmbedInit"]),
        // Threads for calls that block.
        wall("InvokConcurrency", []),
        // What adapters that run things on this machine share.
        wall("InvokHost", ["Invok", "InvokInit", "InvokRuntimes", "InvokConcurrency", "CLinux", logging]),
        wall(
            "InvokSandbox",
            ["Invok", "InvokHost", "InvokInit", "InvokRuntimes", "InvokConcurrency", "CLinux", "CSeccomp", logging]),
        wall(
            "InvokDocker",
            [
                "Invok", "InvokHost", "InvokInit", "InvokRuntimes", "InvokConcurrency", "CLinux", asyncHTTPClient,
                logging,
                nioCore, nioHTTP1,
            ]),
        wall("InvokProxy", ["Invok", httpTypes, logging, nioCore, nioHTTP1, nioPosix, nioHTTPTypes]),
        wall(
            "InvokAPI",
            [
                "Invok", "InvokProxy", hummingbird, hummingbirdCore, httpTypes, lifecycle, logging, nioCore, nioHTTP1,
                nioHTTPTypes, nioHTTPTypesHTTP1, nioPosix,
            ]),
        .target(name: "CSimulation"),
        wall("InvokSim", ["Invok", "CSimulation", httpTypes, logging]),
        // The simulation does without an HTTP library; who runs it gives it the server.
        wall("InvokSimHTTP", ["Invok", "InvokAPI", "InvokSim", httpTypes, hummingbird, logging, nioCore]),

        // MARK: Executables
        .executableTarget(
            name: "invok-core",
            dependencies: [
                "Invok", "InvokArchive", "InvokProxy", "InvokAPI", "InvokEmbedded", "InvokRuntimes", "InvokSandbox",
                "InvokDocker", "InvokPostgres", "InvokRedis", "InvokAuth", "InvokSQLite", "InvokConcurrency", "CLinux",
                argumentParser, configuration, hummingbird, lifecycle, logging, nioCore, nioPosix, unixSignals,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "invok-sim", dependencies: ["Invok", "InvokSim", "InvokSimHTTP", argumentParser],
            swiftSettings: strict),
        // The CLI shares the folder `Sources/Invok` on a case-insensitive disk, so both name their subfolders.
        .executableTarget(
            name: "InvokCLI",
            dependencies: ["Invok", "InvokRuntimes", argumentParser, asyncHTTPClient, nioCore, nioHTTP1, nioPosix],
            path: "Sources/invok", sources: ["Commands", "Client", "Project", "Terminal"], swiftSettings: strict),

        // MARK: Tests
        unitTests(of: "Invok", ["InvokSim", httpTypes, logging]),
        unitTests(of: "InvokArchive", ["CZlib"]),
        unitTests(of: "InvokEmbedded"),
        unitTests(of: "InvokAuth"),
        unitTests(of: "InvokSQLite", [grdb]),
        unitTests(of: "InvokPostgres", ["InvokEmbedded", "InvokSim", "TestSupport", logging]),
        unitTests(of: "InvokRedis", ["InvokEmbedded", "InvokSim", "TestSupport", logging]),
        unitTests(of: "InvokRuntimes"),
        unitTests(of: "InvokInit"),
        unitTests(of: "InvokConcurrency"),
        unitTests(of: "InvokHost", ["InvokConcurrency", "TestSupport", logging]),
        unitTests(of: "InvokSandbox"),
        unitTests(of: "InvokDocker", ["InvokHost", "InvokInit"]),
        unitTests(of: "InvokAPI", ["Invok", "InvokSim", httpTypes, hummingbird, logging, nioCore]),
        unitTests(of: "InvokSim", ["Invok", "InvokSimHTTP", httpTypes]),
        unitTests(of: "InvokSimHTTP", ["Invok", "InvokSim", httpTypes, logging]),
        unitTests(of: "InvokCLI", [nioCore, nioHTTP1]),
        integrationTests(of: "Invok"),
        integrationTests(of: "InvokRuntimes", ["CLinux"]),
        integrationTests(of: "InvokHost", ["InvokConcurrency", logging]),
        integrationTests(
            of: "InvokSandbox", ["InvokProxy", "InvokHost", "InvokEmbedded", "InvokRuntimes", "InvokConcurrency"]),
        integrationTests(of: "InvokDocker", ["InvokHost", "InvokInit"]),
        integrationTests(of: "InvokProxy", ["TestSupport", httpTypes, nioCore, nioHTTP1, nioPosix]),
        integrationTests(
            of: "InvokAPI",
            [
                "Invok", "InvokProxy", "InvokSim", "TestSupport", httpTypes, hummingbird, hummingbirdCore, lifecycle,
                logging, nioCore, nioHTTP1, nioPosix,
            ]),
        integrationTests(
            of: "InvokCLI", ["InvokArchive", argumentParser, asyncHTTPClient, nioCore, nioHTTP1, nioPosix]),
        .target(
            name: "TestSupport", dependencies: [nioCore, nioPosix], path: "Tests/Support", swiftSettings: strict),
        .testTarget(
            name: "Conformance",
            dependencies: [
                "Invok", "InvokArchive", "InvokProxy", "InvokAPI", "InvokEmbedded", "InvokPostgres", "InvokRedis",
                "InvokRuntimes", "InvokSandbox", "InvokAuth", "InvokSim", "InvokSimHTTP", "InvokSQLite",
                "TestSupport",
                "invok-core", asyncHTTPClient, httpTypes, logging, nioCore, nioHTTP1,
            ],
            path: "Tests/Conformance", swiftSettings: strict),
        .testTarget(
            name: "Integration",
            dependencies: [
                "Invok", "InvokDocker", "InvokHost", "InvokEmbedded", "InvokPostgres", "InvokRedis", "InvokRuntimes",
                "InvokSandbox", "InvokCLI", "TestSupport", "invok-core", asyncHTTPClient, logging, nioCore, nioHTTP1,
            ],
            path: "Tests/Integration",
            exclude: [
                "Invok", "InvokCLI", "InvokDocker", "InvokProxy", "InvokHost", "InvokAPI", "InvokRuntimes",
                "InvokSandbox",
            ],
            swiftSettings: strict),
    ]
)
