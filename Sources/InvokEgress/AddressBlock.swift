import Glibc
import Invok
import InvokPOSIX

/// The addresses that one server gives to its instances, and the names of what it makes of them. Held by a lock (flock(2))
/// that the kernel takes back when the server ends, however that happens: no two servers of a machine use the same.
///
/// IPv4 addresses are of 198.18.0.0/15, which nobody routes (RFC 2544), IPv6 ones unique local (RFC 4193).
struct AddressBlock: Sendable {
    /// So many on a machine.
    static let count = 64
    /// Instances of one server that have a network at a time.
    static let places: UInt32 = 1024

    let number: Int
    private let lock: Descriptor

    /// Takes the first that is free.
    /// - Parameter folder: made where it is missing; root's alone.
    static func take(in folder: String) throws(NetworkError) -> AddressBlock {
        do throws(SystemError) {
            try Files.makeDirectories(folder, mode: 0o700)
            for number in 0..<count {
                let lock = try Descriptor.open("\(folder)/egress-\(number).lock", O_RDWR | O_CREAT)
                if flock(lock.number, LOCK_EX | LOCK_NB) == 0 { return AddressBlock(number: number, lock: lock) }
            }
        } catch {
            throw NetworkError(error)
        }
        throw NetworkError("\(count) servers on this machine give functions a network already")
    }

    init(number: Int, lock: Descriptor) {
        self.number = number
        self.lock = lock
    }

    // MARK: Names

    var table: String { "invok_egress_\(number)" }
    /// What the names of all its interfaces begin with.
    var interfacePrefix: String { "ivk\(number)-" }
    func interface(_ place: UInt32) -> String { "\(interfacePrefix)\(place)" }
    /// Where the kernel sends what it refused (NFLOG).
    var logGroup: UInt16 { UInt16(20_000 + number) }

    // MARK: Addresses

    private func v4(_ offset: UInt32) -> String {
        let address = 198 << 24 | 18 << 16 | UInt32(number) * Self.places * 2 + offset
        return [24, 16, 8, 0].map { "\(address >> $0 & 0xFF)" }.joined(separator: ".")
    }

    private func v6(_ offset: UInt32) -> String {
        "fd69:766f:6b00:\(String(number, radix: 16))::\(String(offset, radix: 16))"
    }

    var v4Range: String { "\(v4(0))/21" }
    var v6Range: String { "fd69:766f:6b00:\(String(number, radix: 16))::/64" }

    /// The two ends of the link to an instance: this machine's, and the instance's.
    func v4Link(_ place: UInt32) -> (host: String, instance: String) { (v4(place * 2), v4(place * 2 + 1)) }
    func v6Link(_ place: UInt32) -> (host: String, instance: String) { (v6(place * 2 + 2), v6(place * 2 + 3)) }
}
