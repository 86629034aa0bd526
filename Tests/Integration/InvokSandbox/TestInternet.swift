import Glibc
import InvokEgress
import InvokPOSIX

/// An internet of network namespaces: a machine for the engine, with a way out to public hosts, private ones, a metadata
/// service and a DNS server. Nothing of it is reached from outside of the test, and nothing of this machine from inside.
final class TestInternet: Sendable {
    /// Of the machine that the engine runs on.
    static let machineAddress = "192.0.2.2"
    static let resolver = "93.184.216.53"

    let machine: Descriptor
    private let world: Descriptor
    private let processes: [pid_t]
    let resolvConf: String
    private let directory: String

    /// Says `hello` and its address at some ports, and answers names. `rebind.example` is public when it is asked for first.
    private static let program = #"""
        import socket, struct, sys, threading
        NAMES = {
            "api.example": ["93.184.216.34", "2606:4700::34"], "other.example": ["93.184.216.99"],
            "a.wild.example": ["93.184.216.34"], "db.example": ["10.9.9.9"], "inner.example": ["10.9.9.9", "fd00:9::9"],
            "meta.example": ["169.254.169.254"], "own.example": ["192.0.2.2"], "loop.example": ["127.0.0.1"],
            "six.example": ["2606:4700::34"], "mixed.example": ["10.9.9.9", "93.184.216.34"],
        }
        asked = {}
        def serve(family, port):
            server = socket.socket(family)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6: server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind(("", port))
            server.listen(64)
            def run():
                kept = []
                while True:
                    connection, _ = server.accept()
                    connection.sendall(("hello " + connection.getsockname()[0] + "\n").encode())
                    kept.append(connection)
            threading.Thread(target=run, daemon=True).start()
        def echo(family, address, port):
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.bind((address, port))
            def run():
                while True:
                    data, peer = server.recvfrom(2000)
                    server.sendto(b"hello " + data, peer)
            threading.Thread(target=run, daemon=True).start()
        def names():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(("93.184.216.53", 53))
            while True:
                query, peer = server.recvfrom(2000)
                at, labels = 12, []
                while query[at]:
                    labels.append(query[at + 1 : at + 1 + query[at]].decode())
                    at += 1 + query[at]
                name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1 : at + 3])[0]
                question = query[12 : at + 5]
                addresses = NAMES.get(name)
                if name == "rebind.example":
                    asked[name] = asked.get(name, 0) + 1
                    addresses = ["93.184.216.34" if asked[name] == 1 else "10.9.9.9"]
                records = b""
                count = 0
                for address in addresses or []:
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    if kind != (28 if ":" in address else 1): continue
                    data = socket.inet_pton(family, address)
                    records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 30, len(data)) + data
                    count += 1
                code = 0 if addresses else 3
                server.sendto(query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0) + question + records, peer)
        for port in (80, 443, 3000, 5432):
            for family in (socket.AF_INET, socket.AF_INET6): serve(family, port)
        if sys.argv[1] == "world":
            echo(socket.AF_INET, "93.184.216.34", 443)
            echo(socket.AF_INET, "93.184.216.53", 5353)
            threading.Thread(target=names, daemon=True).start()
        print("ready", flush=True)
        threading.Event().wait()
        """#

    init() async throws {
        let thread = try EventThread()
        let made = await thread.run { Result { try Self.make() } }
        (machine, world) = try made.get()
        directory = "/tmp/invok-internet-\(getpid())-\(machine.number)-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(directory, mode: 0o700)
        resolvConf = directory + "/resolv.conf"
        try Files.write(Array("# a test's\nnameserver \(Self.resolver)\n".utf8), to: resolvConf, mode: 0o644)
        var processes: [pid_t] = []
        for (name, namespace) in [("world", world), ("machine", machine)] {
            let output = try Descriptor.pipe()
            let nothing = try Descriptor.open("/dev/null", O_RDWR)
            let process = await thread.run {
                Result {
                    try NetworkNamespace.within(namespace) { () throws(SystemError) in
                        try spawn(
                            "/usr/bin/python3", ["-Ic", Self.program, name],
                            descriptors: [nothing, output.writing, nothing])
                    }
                }
            }
            processes.append(try process.get())
            guard output.reading.waitReadable(milliseconds: 20_000) else { throw TimedOut(description: "no \(name)") }
        }
        self.processes = processes
    }

    deinit {
        for process in processes {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        try? Files.removeTree(directory)
    }

    private static func make() throws -> (machine: Descriptor, world: Descriptor) {
        let (machine, world) = (try namespace(), try namespace())
        try run(
            "ip link add uplink type veth peer name edge netns /proc/\(getpid())/fd/\(world.number) && ip link set lo up"
                + " && ip addr add \(machineAddress)/24 dev uplink && ip addr add 2001:db8:1::2/64 dev uplink nodad"
                + " && ip link set uplink up && ip route add default via 192.0.2.1",
            in: machine)
        let hosts = [
            "93.184.216.34", "93.184.216.53", "93.184.216.99", "10.9.9.9", "169.254.169.254", "192.168.7.7",
            "100.64.0.9", "168.63.129.16", "198.51.100.7", "172.16.9.9",
        ]
        try run(
            "ip link set lo up && ip addr add 192.0.2.1/24 dev edge && ip addr add 2001:db8:1::1/64 dev edge nodad"
                + " && ip link set edge up && "
                + hosts.map { "ip addr add \($0)/32 dev lo" }.joined(separator: " && ")
                + " && ip addr add 2606:4700::34/128 dev lo && ip addr add fd00:9::9/128 dev lo"
                + " && ip addr add 64:ff9b::a09:909/128 dev lo",
            in: world)
        try run("ip -6 route add default via 2001:db8:1::1", in: machine)
        return (machine, world)
    }

    private static func namespace() throws -> Descriptor {
        let process = try spawn(
            "/usr/bin/unshare", ["--net", "/usr/bin/sleep", "60"],
            descriptors: [try Descriptor.open("/dev/null", O_RDWR)])
        defer {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        let own = try NetworkNamespace.current().status().st_ino
        while true {
            let namespace = try Descriptor.open("/proc/\(process)/ns/net", O_RDONLY)
            if try namespace.status().st_ino != own { return namespace }
            sched_yield()
        }
    }

    private static func run(_ script: String, in namespace: Descriptor) throws {
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        let process = try NetworkNamespace.within(namespace) { () throws(SystemError) in
            try spawn(
                "/bin/sh", ["-c", script], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
                descriptors: [nothing, nothing, try Descriptor.open("/dev/stderr", O_WRONLY)])
        }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        guard status == 0 else { throw TimedOut(description: "status \(status): \(script)") }
    }

    /// What ip(8) or nft(8) says in the machine's namespace.
    func ask(_ command: String) async throws -> String {
        let machine = machine
        return try await EventThread().run {
            Result {
                let output = try Descriptor.pipe()
                let nothing = try Descriptor.open("/dev/null", O_RDWR)
                let process = try NetworkNamespace.within(machine) { () throws(SystemError) in
                    try spawn(
                        "/bin/sh", ["-c", command + " | head -c 60000"],
                        environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
                        descriptors: [nothing, output.writing, nothing])
                }
                waitpid(process, nil, 0)
                var bytes: [UInt8] = []
                withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
                    while let count = try? output.reading.readSome(into: buffer), count > 0 {
                        bytes += buffer[..<count]
                    }
                }
                return String(decoding: bytes, as: UTF8.self)
            }
        }.get()
    }
}
