/// The body of `POST /containers/create`. Names are the API's, whose first letter is a capital on the wire.
struct ContainerRequest: Encodable, Hashable, Sendable {
    struct Healthcheck: Encodable, Hashable, Sendable {
        let test: [String]
    }

    struct Mount: Encodable, Hashable, Sendable {
        struct BindOptions: Encodable, Hashable, Sendable {
            let propagation: String
        }

        var type = "bind"
        let source: String
        let target: String
        let readOnly: Bool
        var bindOptions = BindOptions(propagation: "rprivate")
    }

    struct ResourceLimit: Encodable, Hashable, Sendable {
        let name: String
        let soft: Int
        let hard: Int

        init(_ name: String, _ value: Int) {
            self.name = name
            soft = value
            hard = value
        }
    }

    struct LogConfig: Encodable, Hashable, Sendable {
        let type: String
        let config: [String: String]
    }

    struct RestartPolicy: Encodable, Hashable, Sendable {
        let name: String
    }

    struct HostConfig: Encodable, Hashable, Sendable {
        var networkMode = "none"
        var readonlyRootfs = true
        var privileged = false
        var publishAllPorts = false
        var autoRemove = false
        var capDrop = ["ALL"]
        /// The engine adds its default seccomp profile, since nothing here names another.
        var securityOpt = ["no-new-privileges"]
        var ipcMode = "private"
        var cgroupnsMode = "private"
        /// Whether the engine runs a process of its own that passes signals on and reaps.
        let `init`: Bool
        var restartPolicy = RestartPolicy(name: "no")
        var shmSize = 16 << 20
        let mounts: [Mount]
        let tmpfs: [String: String]
        let memory: Int
        let memorySwap: Int
        let nanoCpus: Int
        let pidsLimit: Int
        let cpuShares: Int
        let ulimits: [ResourceLimit]
        let logConfig: LogConfig
    }

    let image: String
    let entrypoint: [String]
    var cmd: [String] = []
    let env: [String]
    let workingDir: String
    let user: String
    let labels: [String: String]
    var hostname = "function"
    var stopSignal = "SIGTERM"
    var tty = false
    var openStdin = false
    /// An image's own check would run beside the function.
    var healthcheck = Healthcheck(test: ["NONE"])
    let hostConfig: HostConfig
}
