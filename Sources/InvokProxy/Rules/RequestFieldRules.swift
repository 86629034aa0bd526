import Invok

/// Which fields of a client's request a function gets: what concerns the client's connection, what names the client, and
/// what is the platform's it does not.
enum RequestFieldRules {
    private static let forwarding = FieldNames(["x-real-ip", "forwarded"])

    /// Whether it says who the client is, which nobody but the gateway may.
    static func namesClient(_ name: ArraySlice<UInt8>) -> Bool {
        forwarding.contains(name) || Characters.hasPrefix(name, "x-forwarded-")
    }

    static func passes(_ name: ArraySlice<UInt8>, _ hopByHop: HopByHopFields) -> Bool {
        !hopByHop.contains(name) && !namesClient(name) && !ForwardedHead.isReserved(name)
    }
}
