import Glibc
import InvokPOSIX

/// Why an instance got no network, in words for the operator.
package struct NetworkError: Error, Hashable, CustomStringConvertible {
    package let description: String

    package static let none = NetworkError("this server gives functions no network")

    init(_ description: String) { self.description = description }

    init(_ error: SystemError) { description = error.message }
}

/// The programs that change the machine's networks: ip(8) of iproute2, and nft(8) of nftables. They run in the network
/// namespace of the thread that calls them, and block it.
struct NetworkTools: Sendable {
    let ip: String
    let nft: String

    private static let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    private static let maximumOutput = 1 << 16

    /// - Throws: with the command that installs what is missing.
    static func find() throws(NetworkError) -> NetworkTools {
        func program(_ name: String, of package: String) throws(NetworkError) -> String {
            guard let path = folders.map({ "\($0)/\(name)" }).first(where: Files.exists) else {
                throw NetworkError("\(package) is not installed; install it with 'apt-get install \(package)'")
            }
            return path
        }
        return NetworkTools(ip: try program("ip", of: "iproute2"), nft: try program("nft", of: "nftables"))
    }

    /// Changes interfaces, addresses and routes, in this order.
    func link(_ commands: [String]) throws(NetworkError) { try run(ip, ["-batch", "-"], input: commands) }

    /// The same in another namespace.
    func link(_ commands: [String], in namespace: Descriptor) throws(NetworkError) {
        let result: Result<Void, NetworkError>
        do throws(SystemError) {
            result = try NetworkNamespace.within(namespace) { () throws(SystemError) in
                Result { () throws(NetworkError) in try link(commands) }
            }
        } catch {
            throw NetworkError(error)
        }
        try result.get()
    }

    /// Changes rules, all of them at once or none.
    /// - Returns: what it prints.
    @discardableResult
    func rules(_ commands: [String]) throws(NetworkError) -> String { try run(nft, ["-f", "-"], input: commands) }

    @discardableResult
    private func run(_ program: String, _ arguments: [String], input: [String]) throws(NetworkError) -> String {
        let text = input.joined(separator: "\n") + "\n"
        let output: Descriptor
        let process: pid_t
        do throws(SystemError) { (process, output) = try start(program, arguments, text) } catch {
            throw NetworkError(error)
        }
        let printed = Self.readToEnd(output)
        var status: Int32 = 0
        _ = retrying { Int(waitpid(process, &status, 0)) }
        if status == 0 { return printed }
        throw NetworkError("\(program) refused: \(printed.split(separator: "\n").first ?? "status \(status)")")
    }

    /// Our copy of the writing end is gone on return, so that what is printed has an end.
    private func start(
        _ program: String, _ arguments: [String], _ input: String
    ) throws(SystemError) -> (process: pid_t, output: Descriptor) {
        let (reading, writing) = try Descriptor.pipe()
        let process = try spawn(
            program, arguments, descriptors: [try Descriptor.holding(Array(input.utf8)), writing, writing])
        return (process, reading)
    }

    private static func readToEnd(_ descriptor: Descriptor) -> String {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            while descriptor.waitReadable(milliseconds: -1) {
                guard let count = try? descriptor.readSome(into: buffer), count > 0 else { return }
                if bytes.count < maximumOutput { bytes += buffer[..<count] }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
