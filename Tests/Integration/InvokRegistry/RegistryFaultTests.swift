import Foundation
import Invok
import InvokBuild
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokRegistry

/// What is wrong with a registry is said by the server, spoils nothing that is kept, and is over once the registry is well.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RegistryFaultTests {
    private static let file = "/files/said-1.0-py3-none-any.whl"
    private static let index = "/simple/said/"

    private let root: TemporaryFolder
    private let wheel: [UInt8]

    init() throws {
        root = try TemporaryFolder()
        var zip = ZipWriter()
        zip.add("said.py", content: Array("WORD = 'said'\n".utf8))
        let info = "said-1.0.dist-info/"
        zip.add(info + "METADATA", content: Array("Metadata-Version: 2.1\nName: said\nVersion: 1.0\n".utf8))
        zip.add(info + "WHEEL", content: Array("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".utf8))
        zip.add(info + "RECORD", content: Array("said.py,,\n".utf8))
        wheel = zip.finish()
    }

    private func serve(_ registry: TestRegistry) {
        let page = "<a href=\"\(registry.url)\(Self.file)#sha256=\(Digest(of: wheel))\">said-1.0-py3-none-any.whl</a>"
        registry.put(.init(Array(page.utf8), type: "text/html"), at: Self.index)
        registry.put(.init(wheel, type: "application/octet-stream"), at: Self.file)
    }

    private func install(_ build: MirroredBuild) async throws -> (status: Int32, output: String) {
        try Files.removeTree(build.folder + "/target")
        return try await build.run(
            "python3",
            ["python3", "-m", "pip", "install", "--no-cache-dir", "--target", build.folder + "/target", "said"])
    }

    enum Fault: String, CaseIterable, Sendable {
        case indexFails, fileFails, fileIsCutOff, fileIsAnother, indexHangs, fileHangs

        /// How long the server waits: long where load must not be taken for the fault.
        var silence: Duration { [.indexHangs, .fileHangs].contains(self) ? .seconds(3) : .seconds(60) }

        /// What the server says of it.
        var words: String {
            switch self {
            case .indexFails, .fileFails: "answers 503"
            case .fileIsCutOff: "broke off"
            case .fileIsAnother: "hash"
            case .indexHangs, .fileHangs: "in time"
            }
        }
    }

    private func spoil(_ registry: TestRegistry, by fault: Fault) {
        var file = TestRegistry.Page(wheel, type: "application/octet-stream")
        var index = TestRegistry.Page(Array("<a>".utf8), type: "text/html")
        switch fault {
        case .indexFails: index.status = 503
        case .fileFails: file.status = 503
        case .fileIsCutOff: file.cutAt = 100
        case .fileIsAnother: file.body[40] ^= 1
        case .indexHangs: index.hangsAt = 0
        case .fileHangs: file.hangsAt = 100
        }
        switch fault {
        case .indexFails, .indexHangs: registry.put(index, at: Self.index)
        default: registry.put(file, at: Self.file)
        }
    }

    @Test(arguments: Fault.allCases) func isSaidAndPasses(_ fault: Fault) async throws {
        try await TestRegistry.run { registry in
            let environment = ["PIP_INDEX_URL": registry.url + "/simple/", "PIP_CONFIG_FILE": "/dev/null"]
            let settings = RegistrySettings.read(environment: environment)
            let source = HTTPPackageSource(settings, environment: environment, silence: fault.silence)
            try await MirroredBuild.run(settings, in: root, source: source) { build in
                serve(registry)
                spoil(registry, by: fault)
                let failed = try await install(build)
                #expect(failed.status != 0)
                #expect(
                    build.door.failures.contains { $0.contains(fault.words) }, "\(build.door.failures) \(failed.output)"
                )
                #expect(!Files.exists(build.folder + "/target/said.py"))
                serve(registry)
                let well = try await install(build)
                #expect(well.status == 0, "\(well.output)")
                #expect(Files.exists(build.folder + "/target/said.py"))
            }
            await source.close()
        }
    }
}
