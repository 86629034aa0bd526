import Glibc
import Invok
import Synchronization

/// Hands out a user id to each sandbox, so that none can reach another's processes or files, and the kernel counts each
/// one's processes apart.
///
/// The ids lie above those that distributions, containers and subordinate ids use (systemd's UIDS-GIDS table leaves
/// 0x70000000…0x7FFFFFFF free), in a block that depends on the data directory.
final class UserIDPool: Sendable {
    static let capacity: UInt32 = 1024

    let first: UInt32
    private let state: Mutex<(used: Set<UInt32>, next: UInt32)>

    init(installation: Digest) {
        let block = installation.description.utf8.prefix(4).reduce(UInt32(0)) { sum, digit in
            sum << 4 | UInt32(digit > 0x40 ? digit - 0x57 : digit - 0x30)
        }
        first = 0x7000_0000 + block * Self.capacity
        state = Mutex((used: [], next: 0))
    }

    /// Takes an id that no running sandbox has, the one that has been free longest as far as that is known.
    /// - Returns: `nil` when all are in use.
    func take() -> UInt32? {
        state.withLock { state in
            for offset in 0..<Self.capacity {
                let index = (state.next + offset) % Self.capacity
                guard !state.used.contains(index) else { continue }
                state.used.insert(index)
                state.next = index + 1
                return first + index
            }
            return nil
        }
    }

    func giveBack(_ id: UInt32) {
        state.withLock { _ = $0.used.remove(id - first) }
    }

    /// Lines for `/etc/passwd` and `/etc/group`, so that every id has a name inside.
    var passwordFile: String {
        "root:x:0:0:root:/:/usr/sbin/nologin\n"
            + lines { "function:x:\($0):\($0)::/tmp:/usr/sbin/nologin\n" }
            + "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
    }

    var groupFile: String { "root:x:0:\n" + lines { "function:x:\($0):\n" } + "nogroup:x:65534:\n" }

    private func lines(_ line: (UInt32) -> String) -> String {
        (0..<Self.capacity).map { line(first + $0) }.joined()
    }
}
