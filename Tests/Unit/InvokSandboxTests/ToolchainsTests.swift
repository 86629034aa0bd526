import InvokRuntimes
import Testing

@testable import InvokSandbox

@Suite struct ToolchainsTests {
    @Test func comparesVersionsByNumber() {
        #expect(Toolchains.isOlder("22.9.1", than: [22, 18]))
        #expect(!Toolchains.isOlder("22.18", than: [22, 18]))
        #expect(!Toolchains.isOlder("1.27rc1", than: [1, 23]))
    }

    @Test func saysWhatToDoAboutMissingOnes() {
        let none = Toolchains.discover(environment: ["PATH": "/nonexistent"])
        #expect(none.found.isEmpty)
        #expect(none.missing[.go]?.contains("INVOK_GO") == true)
        #expect(none.missing[.esbuild]?.contains("TypeScript") == true)
    }

    @Test func bindsOnlyWhatLiesOutsideOfUsr() {
        let system = Toolchain(name: .python3, version: "3.11", executable: "/usr/bin/python3.11", root: "/usr")
        #expect(system.mounts.isEmpty && system.sandboxExecutable == "/usr/bin/python3.11")
        let own = Toolchain(name: .go, version: "1.27", executable: "/root/go/bin/go", root: "/root/go")
        #expect(own.mounts == [Sandbox.Mount(source: "/root/go", destination: "/opt/go")])
        #expect(own.sandboxExecutable == "/opt/go/bin/go")
        let local = Toolchain(name: .go, version: "1.27", executable: "/usr/local/go/bin/go", root: "/usr/local/go")
        #expect(local.mounts == [Sandbox.Mount(source: "/usr/local/go", destination: "/opt/go")])
    }

    /// A Python of pyenv or the like is made of a library, which the system may have in another version.
    @Test func findsTheLibrariesOfAToolThatIsMoved() {
        func python(_ root: String, hasLibraries: Bool) -> Toolchain {
            Toolchain(
                name: .python3, version: "3.12.1", executable: root + "/bin/python3.12", root: root,
                hasLibraries: hasLibraries)
        }
        #expect(python("/root/py", hasLibraries: true).environment == ["LD_LIBRARY_PATH": "/opt/python3/lib"])
        #expect(python("/root/py", hasLibraries: false).environment.isEmpty)
        #expect(python("/usr", hasLibraries: true).environment.isEmpty)
        #expect(python("/usr/local", hasLibraries: true).environment.isEmpty)
    }

    /// npm lies beside node.
    @Test func bindsWhatBelongsToATool() {
        let node = Toolchain(
            name: .node, version: "24.0.0", executable: "/opt/n/bin/node", root: "/opt/n/bin/node",
            companions: ["lib/node_modules/npm"])
        #expect(
            node.buildMounts
                == [Sandbox.Mount(source: "/opt/n/lib/node_modules/npm", destination: "/opt/node/lib/node_modules/npm")]
        )
    }

    /// Of `/usr/local` a sandbox sees what its tool needs, and nothing else.
    @Test func bindsTheToolsPartsOfUsrLocal() {
        let parts = ["/usr/local/bin/python3.12", "/usr/local/lib/python3.12"]
        let local = Toolchain(
            name: .python3, version: "3.12.1", executable: parts[0], root: "/usr/local", parts: parts)
        #expect(local.sandboxExecutable == parts[0])
        #expect(local.mounts == parts.map { Sandbox.Mount(source: $0, destination: $0) })
    }
}
