import InvokPOSIX

/// The package registries as builds reach them: the one thing outside that a build sees. The core serves them, at a socket
/// of each build's own, so that what it knows of the operator (addresses, credentials) stays outside.
package protocol BuildRegistries: Sendable {
    /// Variables that tell a tool where the registries are, as seen from inside a build.
    /// - Parameter tool: as build plans say it: `go`, `node`, `python3`. Others get nothing.
    func environment(for tool: String) -> [String: String]
    /// Serves the registries at a unix socket, for one build, until the door is closed. Whoever reaches the path may
    /// connect: the folder that it is in lets in nobody else.
    /// - Parameter path: of a socket that is not there yet; of any length.
    func open(at path: String) async throws(SystemError) -> any RegistryDoor
}

/// The registries' socket of one build.
package protocol RegistryDoor: Sendable {
    /// What registries have failed at, each once, a sentence each and the first ones only: pip, for one, keeps that to itself
    /// and says that there is no such package.
    var failures: [String] { get }
    /// Takes no more, cuts off what runs, and removes the socket.
    func close() async
}

extension RegistryDoor {
    package var failures: [String] { [] }
}

/// Where the registries are inside a build: `invok-init forward PORT SOCKET` stands between a tool, which knows of addresses
/// only, and the socket.
package enum RegistryPlace {
    /// On 127.0.0.1.
    package static let port = 8901
    package static let socket = "/run/invok/registry"
    /// `invok-init`.
    package static let program = "/run/invok/init"

    /// Runs a command with the registries at the port. They are there before it begins, and nothing begins without them.
    package static func wrap(_ command: [String]) -> [String] {
        [
            "/bin/sh", "-c", #""$1" forward "$2" "$3" || exit; shift 3; exec "$@""#, "invok-forward", program,
            "\(port)",
            socket,
        ] + command
    }
}
