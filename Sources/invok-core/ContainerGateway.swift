import Foundation
import Invok
import InvokAPI
import InvokProxy

/// The address that all callers seem to have where Docker's proxy publishes a container's port: that of the bridge, the
/// gateway of the default route.
enum ContainerGateway {
    /// - Parameter routes: the kernel's table (proc(5), `/proc/net/route`), addresses in hexadecimal of the machine's byte
    ///   order.
    /// - Returns: `nil` without a default route.
    static func address(routes: String = (try? String(contentsOfFile: "/proc/net/route", encoding: .utf8)) ?? "")
        -> AddressRange?
    {
        for line in routes.split(separator: "\n").dropFirst() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count > 2, fields[1] == "00000000", let gateway = UInt32(fields[2], radix: 16), gateway != 0
            else { continue }
            let bytes = withUnsafeBytes(of: gateway) { $0.map { String($0) } }
            return AddressRange(bytes.joined(separator: "."))
        }
        return nil
    }
}
