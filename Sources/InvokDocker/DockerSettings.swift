/// What the operator chose about Docker.
public struct DockerSettings: Hashable, Sendable {
    /// The path of the engine's unix socket.
    public var socketPath: String
    public var images: DockerImages
    /// Where everything is kept, as this process sees it; absolute. It must not be in use by another core.
    public var dataDirectory: String
    /// The same directory as the engine sees it, where the core runs in a container itself; absolute.
    public var hostDataDirectory: String
    /// What can be made again; the engine must see it under the same path unless it lies in the data directory.
    public var cacheDirectory: String
    /// The compiler of TypeScript on this machine, which builds of Node's functions get; `nil` where there is none.
    public var esbuild: String?

    public init(
        socketPath: String, images: DockerImages, dataDirectory: String, hostDataDirectory: String? = nil,
        cacheDirectory: String, esbuild: String? = nil
    ) {
        self.socketPath = socketPath
        self.images = images
        self.dataDirectory = dataDirectory
        self.hostDataDirectory = hostDataDirectory ?? dataDirectory
        self.cacheDirectory = cacheDirectory
        self.esbuild = esbuild
    }

    /// The path as the engine sees it.
    func hostPath(_ path: String) -> String {
        guard path == dataDirectory || path.hasPrefix(dataDirectory + "/") else { return path }
        return hostDataDirectory + path.dropFirst(dataDirectory.count)
    }
}

/// A setting of Docker that cannot be used, in words that name it and say what to do.
public struct DockerSettingError: Error, Hashable, Sendable {
    public let message: String
}

/// Where the engine listens.
public enum DockerAddress {
    public static let standardSocket = "/var/run/docker.sock"

    /// The path of the socket that `DOCKER_HOST` names.
    /// - Parameter text: `nil` or empty for the standard one.
    /// - Throws: for anything but a unix socket: whoever reaches the engine over a network is root on its machine.
    public static func socketPath(_ text: String?) throws(DockerSettingError) -> String {
        guard let text, !text.isEmpty else { return standardSocket }
        let scheme = "unix://"
        guard text.hasPrefix(scheme) else {
            throw DockerSettingError(
                message: "DOCKER_HOST is '\(text)', but Invok reaches Docker by a unix socket only: an engine on a "
                    + "network port makes its machine anybody's. Set it to unix:///path/of/docker.sock")
        }
        let path = String(text.dropFirst(scheme.count))
        guard path.hasPrefix("/"), path.utf8.count < 108 else {
            throw DockerSettingError(
                message: "DOCKER_HOST is '\(text)', but must be unix:// and an absolute path of at most 107 bytes")
        }
        return path
    }
}
