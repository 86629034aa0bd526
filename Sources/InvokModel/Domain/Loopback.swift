/// The names and addresses that mean this machine and no other.
public enum Loopback {
    /// `localhost` and what ends in `.localhost` (RFC 6761 §6.3), `::1`, and 127.0.0.0/8 in its four decimal numbers. A
    /// name that only begins like an address, as `127.evil.example`, is somebody else's.
    /// - Parameter host: of a URL, in any letter case, an IPv6 address with or without its brackets.
    public static func contains(_ host: some StringProtocol) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy(isByte)
    }

    /// A number from 0 to 255 without leading zeros, which some read as octal.
    private static func isByte(_ text: Substring) -> Bool {
        guard let value = UInt8(text) else { return false }
        return value.description == text
    }
}
