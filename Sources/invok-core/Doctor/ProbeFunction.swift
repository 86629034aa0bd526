import Foundation
import Invok

/// What a function sees and may do, told by one that is deployed for this, called once and deleted.
struct ProbeReport: Decodable, Sendable {
    var uid: Int
    /// The lines of `/proc/self/status` that begin with Cap, NoNewPrivs and Seccomp.
    var status: [String: String]
    /// What could be opened for writing, or read, though nobody needs it.
    var writable: [String]
    var readable: [String]
    var interfaces: [String]
    /// Kinds of socket that could be made, beside the ordinary ones.
    var sockets: [String]
    /// Names of the request's headers, in lower case, with their values.
    var headers: [String: String]
    var descriptors: [String]
    var environment: [String]
}

extension ProbeReport {
    /// The function. It opens nothing but to see whether it may, and changes nothing.
    static let source = #"""
        import os, socket
        from invok import Response

        WRITABLE = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory",
                    "/proc/sysrq-trigger", "/bundle/invok-doctor", "/usr/invok-doctor", "/etc/invok-doctor", "/invok-doctor"]
        READABLE = ["/proc/kcore", "/proc/kallsyms", "/proc/timer_list", "/proc/sched_debug", "/proc/key-users", "/etc/shadow",
                    "/var/run/docker.sock", "/root/.ssh"]
        SOCKETS = {"vsock": (40, 1, 0), "alg": (38, 5, 0), "packet": (17, 3, 0), "raw": (2, 3, 1), "netlink": (16, 3, 0)}


        def opens(path, flags):
            try:
                descriptor = os.open(path, flags)
            except OSError:
                return False
            try:
                # A file that is masked is empty.
                return bool(flags & os.O_WRONLY) or os.path.isdir(path) or bool(os.read(descriptor, 1))
            except OSError:
                return False
            finally:
                os.close(descriptor)


        def makes(kind):
            try:
                socket.socket(*kind).close()
                return True
            except OSError:
                return False


        def lines(path):
            try:
                with open(path) as file:
                    return file.read().splitlines()
            except OSError:
                return []


        def target(descriptor):
            try:
                return os.readlink("/proc/self/fd/" + descriptor)
            except OSError:
                return ""


        def handler(request):
            status = (line.split(":", 1) for line in lines("/proc/self/status") if ":" in line)
            flags = os.O_WRONLY
            report = {
                "uid": os.getuid(),
                "status": {name: value.strip() for name, value in status
                           if name.startswith("Cap") or name in ("NoNewPrivs", "Seccomp")},
                "writable": [path for path in WRITABLE if os.path.exists(path) and opens(path, flags)]
                            + [path for path in WRITABLE if not os.path.exists(path) and creates(path)],
                "readable": [path for path in READABLE if opens(path, os.O_RDONLY)],
                "interfaces": [name for name in (line.split(":")[0].strip() for line in lines("/proc/net/dev")[2:])
                               if name != "lo"],
                "sockets": [name for name, kind in SOCKETS.items() if makes(kind)],
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "descriptors": [target(each) for each in os.listdir("/proc/self/fd")],
                "environment": sorted(os.environ),
            }
            return Response(report, headers={
                "Service-Worker-Allowed": "/", "Clear-Site-Data": "\"*\"", "Strict-Transport-Security": "max-age=1",
                "Alt-Svc": "h3=\":1\"", "X-Invok-Doctor": "1", "Set-Cookie": "doctor=1; Path=/; Domain=invok-doctor.invalid"})


        def creates(path):
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except OSError:
                return False
            os.unlink(path)
            return True
        """#
}
