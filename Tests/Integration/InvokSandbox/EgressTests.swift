import Glibc
import Invok
import InvokEgress
import InvokEmbedded
import InvokPOSIX
import Logging
import Testing

@testable import InvokSandbox

/// What functions with egress reach, and what hostile ones try, on an internet of their own. It needs root, nftables and
/// iproute2, as the server does for it.
@Suite(.serialized) struct EgressTests {
    private let internet: TestInternet

    init() async throws { internet = try await TestInternet() }

    private func networks(
        _ privately: [String] = [], names: [String] = [], change: (inout InstanceNetworks.Settings) -> Void = { _ in }
    ) throws -> InstanceNetworks {
        var settings = InstanceNetworks.Settings(
            rules: EgressRules(privateDestinations: try privately.map { try Egress.Destination($0) }), names: names)
        settings.machine = internet.machine
        settings.resolvers = internet.resolvConf
        change(&settings)
        return try InstanceNetworks(settings, clock: SystemClock(), logger: Logger(label: "test"))
    }

    private func fixture(_ networks: InstanceNetworks) async throws -> Fixture {
        let fixture = try Fixture(networks: networks)
        #expect(try await fixture.engine.egressObstacle() == nil)
        return fixture
    }

    private static let prelude = """
        import errno, os, socket, sys
        socket.setdefaulttimeout(5)
        def attempt(name, action):
            try:
                print(name, "did", action(), flush=True)
            except OSError as error:
                print(name, "refused", errno.errorcode.get(error.errno, error.errno), flush=True)
        def tcp(host, port):
            with socket.create_connection((host, port)) as connection: return connection.recv(100).decode().strip()
        def udp(host, port, data=b"x"):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as connection:
                connection.settimeout(0.3)
                connection.connect((host, port))
                connection.send(data)
                return connection.recv(2000)[:20].decode()
        def names(host): return sorted({entry[4][0] for entry in socket.getaddrinfo(host, 80)})

        """

    /// What each attempt of a program came to.
    private func outcomes(_ fixture: Fixture, _ egress: Egress, _ program: String) async throws -> [String: String] {
        let (lines, reason) = try await fixture.runToEnd(Self.prelude + program, egress: egress)
        try #require(reason == "exited with status 0", "\(reason) \(fixture.logs.all.map(\.text))")
        return Dictionary(
            lines.compactMap { line in
                line.range(of: " ").map { (String(line[..<$0.lowerBound]), String(line[$0.upperBound...])) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Everything of the machine and its surroundings that nobody may reach.
    private static let forbidden = """
        for address in ("10.9.9.9", "169.254.169.254", "192.168.7.7", "100.64.0.9", "168.63.129.16", "198.51.100.7",
                        "172.16.9.9", "192.0.2.1", "192.0.2.2", "fd00:9::9", "64:ff9b::a09:909", "2001:db8:1::1",
                        "2001:db8:1::2", "::ffff:10.9.9.9", "::ffff:192.0.2.2"):
            for port in (80, 3000, 5432): attempt(f"tcp-{address}-{port}", lambda: tcp(address, port))
            attempt(f"udp-{address}", lambda: udp(address, 53))
        for line in open("/proc/net/route").read().split("\\n")[1:]:
            fields = line.split()
            if len(fields) > 2 and fields[1] == "00000000":
                gateway = socket.inet_ntoa(bytes.fromhex(fields[2])[::-1])
                for port in (22, 53, 3000): attempt(f"gateway-{port}", lambda: tcp(gateway, port))
                attempt("gateway-udp", lambda: udp(gateway, 53))
        attempt("broadcast", lambda: udp("255.255.255.255", 9))
        attempt("multicast", lambda: udp("224.0.0.1", 9))
        attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
        attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
        attempt("resolver-taken", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("0.0.0.0", 53)))

        """

    @Test func thePublicInternetIsReachedAndNothingElse() async throws {
        let networks = try networks()
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, .publicInternet,
            Self.forbidden + """
                attempt("name", lambda: tcp("api.example", 443))
                attempt("literal", lambda: tcp("93.184.216.99", 80))
                attempt("six", lambda: tcp("2606:4700::34", 443))
                attempt("six-name", lambda: tcp("six.example", 443))
                attempt("udp-public", lambda: udp("93.184.216.34", 443))
                attempt("absent", lambda: names("absent.example"))
                for host in ("inner", "meta", "own", "loop"): attempt("name-" + host, lambda: names(host + ".example"))
                attempt("mixed", lambda: names("mixed.example"))
                attempt("before", lambda: tcp("rebind.example", 80))
                attempt("after", lambda: tcp("rebind.example", 80))
                """)
        #expect(outcomes["name"] == "did hello 93.184.216.34" || outcomes["name"] == "did hello 2606:4700::34")
        #expect(outcomes["literal"] == "did hello 93.184.216.99")
        #expect(outcomes["six"] == "did hello 2606:4700::34")
        #expect(outcomes["six-name"] == "did hello 2606:4700::34")
        #expect(outcomes["udp-public"] == "did hello x")
        #expect(outcomes["mixed"] == "did ['93.184.216.34']")
        #expect(outcomes["before"] == "did hello 93.184.216.34")
        let allowed: Set = ["name", "literal", "six", "six-name", "udp-public", "mixed", "before"]
        #expect(outcomes.count > 70)
        for (name, outcome) in outcomes where !allowed.contains(name) {
            #expect(outcome.hasPrefix("refused"), "\(name) \(outcome)")
        }
        #expect(outcomes["tcp-10.9.9.9-80"] == "refused ECONNREFUSED")
        await fixture.host.close()
    }

    @Test func aListIsHeldByItsNames() async throws {
        let networks = try networks()
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, try Egress(list: ["api.example:443", "*.wild.example", "93.184.216.99:80", "rebind.example"]),
            Self.forbidden + """
                attempt("early", lambda: tcp("93.184.216.34", 443))
                attempt("name", lambda: tcp("api.example", 443))
                attempt("then-literal", lambda: tcp("93.184.216.34", 443))
                attempt("other-port", lambda: tcp("api.example", 80))
                attempt("other-name", lambda: tcp("other.example", 443))
                attempt("listed-address", lambda: tcp("93.184.216.99", 80))
                attempt("listed-address-port", lambda: tcp("93.184.216.99", 443))
                attempt("other-resolver", lambda: udp("93.184.216.53", 53, b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\5other\\7example\\0\\0\\1\\0\\1"))
                attempt("other-resolver-tcp", lambda: tcp("93.184.216.53", 443))
                attempt("tunnel", lambda: udp("93.184.216.53", 5353))
                attempt("below", lambda: tcp("a.wild.example", 80))
                attempt("rebind-first", lambda: tcp("rebind.example", 80))
                attempt("rebind-second", lambda: tcp("rebind.example", 80))
                """)
        #expect(outcomes["name"] == "did hello 93.184.216.34" || outcomes["name"] == "did hello 2606:4700::34")
        #expect(outcomes["then-literal"] == "did hello 93.184.216.34")
        #expect(outcomes["listed-address"] == "did hello 93.184.216.99")
        #expect(outcomes["below"] == "did hello 93.184.216.34")
        #expect(outcomes["rebind-first"] == "did hello 93.184.216.34")
        let allowed: Set = ["name", "then-literal", "listed-address", "below", "rebind-first"]
        for (name, outcome) in outcomes where !allowed.contains(name) {
            #expect(outcome.hasPrefix("refused"), "\(name) \(outcome)")
        }
        #expect(outcomes["early"] == "refused ECONNREFUSED")
        await fixture.host.close()
    }

    @Test func whatTheOperatorListsIsReached() async throws {
        let networks = try networks(["10.9.9.9/32:5432", "192.0.2.2:3000"])
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, try Egress(list: ["db.example:5432", "own.example:3000"]),
            """
            attempt("db", lambda: tcp("db.example", 5432))
            attempt("db-port", lambda: tcp("10.9.9.9", 80))
            attempt("own", lambda: tcp("own.example", 3000))
            attempt("own-port", lambda: tcp("192.0.2.2", 80))
            """)
        #expect(outcomes["db"] == "did hello 10.9.9.9" && outcomes["own"] == "did hello 192.0.2.2")
        #expect(outcomes["db-port"] == "refused ECONNREFUSED" && outcomes["own-port"] == "refused ECONNREFUSED")
        await fixture.host.close()
    }

    @Test func whatThePublicNameResolvesToIsNotReached() async throws {
        let networks = try networks(names: ["93.184.216.99"])
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, .publicInternet,
            """
            attempt("public", lambda: tcp("93.184.216.99", 443))
            attempt("name", lambda: names("other.example"))
            attempt("other", lambda: tcp("93.184.216.34", 443))
            """)
        #expect(outcomes["public"] == "refused ECONNREFUSED" && outcomes["name"]?.hasPrefix("refused") == true)
        #expect(outcomes["other"] == "did hello 93.184.216.34")
        await fixture.host.close()
    }

    @Test func whatWasRefusedIsInTheFunctionsLog() async throws {
        let networks = try networks()
        let fixture = try await fixture(networks)
        let program =
            Self.prelude + """
                attempt("private", lambda: tcp("10.9.9.9", 80))
                attempt("name", lambda: names("other.example"))
                attempt("unlisted", lambda: tcp("93.184.216.99", 443))
                sys.stdin.close()
                import time
                time.sleep(60)
                """
        let spec = try fixture.spec(try fixture.bundle(program), egress: try Egress(list: ["api.example:443"]))
        _ = try await fixture.engine.start(spec)
        for line in [
            "egress refused: tcp 10.9.9.9:80: it is a private address",
            "egress refused: 'other.example': 'egress' in config.json does not list it",
            "egress refused: tcp 93.184.216.99:443: 'egress' in config.json does not list it",
        ] { try await fixture.logs.waitFor(line) }
        await fixture.engine.stop(spec.id, grace: .zero)
        await fixture.host.close()
    }

    @Test func aFunctionHasSoManyConnectionsAtATime() async throws {
        let networks = try networks { $0.limits.connections = 8 }
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, .publicInternet,
            """
            kept, failed = [], 0
            for _ in range(20):
                try: kept.append(socket.create_connection(("93.184.216.34", 80)))
                except OSError: failed += 1
            print("kept", len(kept), failed)
            """)
        #expect(outcomes["kept"] == "8 12")
        await fixture.host.close()
    }

    @Test func instancesDoNotReachEachOther() async throws {
        let networks = try networks()
        let fixture = try await fixture(networks)
        let listening =
            Self.prelude + """
                probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                probe.connect(("93.184.216.34", 9))
                server = socket.create_server(("0.0.0.0", 8080))
                print("at", probe.getsockname()[0], flush=True)
                import time
                time.sleep(60)
                """
        var specs: [InstanceSpec] = []
        for ordinal in 2...4 as ClosedRange<UInt32> {
            let spec = try fixture.spec(try fixture.bundle(listening), ordinal: ordinal, egress: .publicInternet)
            _ = try await fixture.engine.start(spec)
            specs.append(spec)
        }
        try await within("all say where they are") {
            var seen = Set<String>()
            for await entry in fixture.logs.follow(try Fixture.key(), after: nil) where seen.count < 3 {
                if entry.line.text.hasPrefix("at ") { seen.insert(entry.line.text) }
                if seen.count == 3 { return }
            }
        }
        let addresses = Set(fixture.logs.texts(.stdout).filter { $0.hasPrefix("at ") }.map { String($0.dropFirst(3)) })
        // No address is another's.
        #expect(addresses.count == 3)
        let attempts = addresses.map { "attempt('\($0)', lambda: tcp('\($0)', 8080))" }.joined(separator: "\n")
        let outcomes = try await outcomes(fixture, .publicInternet, attempts)
        for address in addresses { #expect(outcomes[address] == "refused ECONNREFUSED") }
        for spec in specs { await fixture.engine.stop(spec.id, grace: .zero) }
        await fixture.host.close()
    }

    @Test func nothingIsLeftOfANetwork() async throws {
        let networks = try networks()
        let fixture = try await fixture(networks)
        for ordinal in 1...3 as ClosedRange<UInt32> {
            let spec = try fixture.spec(
                try fixture.bundle("import time; time.sleep(60)"), ordinal: ordinal,
                egress: try Egress(list: ["api.example"]))
            _ = try await fixture.engine.start(spec)
            #expect(try await internet.ask("nft list ruleset").contains("goto i"))
            await fixture.engine.stop(spec.id, grace: .zero)
            #expect(try await !internet.ask("nft list ruleset").contains("goto i"))
        }
        await fixture.host.close()
        #expect(try await !internet.ask("ip -o link").contains("ivk"))
        #expect(try await internet.ask("nft list ruleset") == "")
    }

    /// A server that is killed: its instances and their networks end with it, and its rules do not.
    @Test func whatAKilledServerLeftIsInNobodysWay() async throws {
        let folder = "/tmp/invok-egress-\(getpid())"
        defer { try? Files.removeTree(folder) }
        _ = try await internet.ask(
            "nft 'add table inet invok_egress_0; add chain inet invok_egress_0 old; add chain inet invok_egress_0 i0 "
                + "{ type filter hook prerouting priority 0; policy drop; }'")
        let networks = try networks { $0.stateDirectory = folder }
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, .publicInternet, #"attempt("name", lambda: tcp("93.184.216.34", 443))"#)
        #expect(outcomes["name"] == "did hello 93.184.216.34")
        #expect(try await !internet.ask("nft list table inet invok_egress_0").contains("old"))
        await fixture.host.close()
    }

    @Test func withoutEgressAFunctionHasItsLoopbackAlone() async throws {
        let networks = try networks()
        let fixture = try await fixture(networks)
        let outcomes = try await outcomes(
            fixture, .nothing,
            """
            print("interfaces", [line.split(":")[0].strip() for line in open("/proc/net/dev").read().split("\\n")[2:] if line])
            attempt("name", lambda: names("api.example"))
            attempt("literal", lambda: tcp("93.184.216.34", 443))
            """)
        #expect(outcomes["interfaces"] == "['lo']")
        #expect(outcomes["name"] == "refused -3" || outcomes["name"] == "refused -2")
        #expect(outcomes["literal"] == "refused ENETUNREACH")
        await fixture.host.close()
    }
}
