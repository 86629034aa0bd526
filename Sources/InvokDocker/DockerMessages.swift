/// Answers of the Engine API, as far as they are read.

struct DockerProblemMessage: Decodable {
    let message: String
}

struct DockerVersionMessage: Decodable, Sendable {
    let version: String
    let apiVersion: String
    let minimumAPIVersion: String?

    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case apiVersion = "ApiVersion"
        case minimumAPIVersion = "MinAPIVersion"
    }
}

/// `GET /info`.
struct DockerInfoMessage: Decodable, Sendable {
    let osType: String?
    let processors: Int
    let securityOptions: [String]?
    let limitsMemory: Bool?
    let limitsProcesses: Bool?
    let limitsProcessorTime: Bool?
    let survivesRestarts: Bool?

    enum CodingKeys: String, CodingKey {
        case osType = "OSType"
        case processors = "NCPU"
        case securityOptions = "SecurityOptions"
        case limitsMemory = "MemoryLimit"
        case limitsProcesses = "PidsLimit"
        case limitsProcessorTime = "CpuCfsQuota"
        case survivesRestarts = "LiveRestoreEnabled"
    }
}

struct ImageMessage: Decodable {
    let id: String

    enum CodingKeys: String, CodingKey {
        case id = "Id"
    }
}

/// `POST /containers/create`.
struct CreatedMessage: Decodable {
    let id: String

    enum CodingKeys: String, CodingKey {
        case id = "Id"
    }
}

/// One of `GET /containers/json`.
struct ContainerMessage: Decodable, Sendable {
    let id: String
    let labels: [String: String]?
    let state: String

    /// A paused one runs too: it goes on where it stopped.
    var isRunning: Bool { state == "running" || state == "paused" }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case labels = "Labels"
        case state = "State"
    }
}

/// `GET /containers/{id}/json`.
struct InspectionMessage: Decodable, Sendable {
    struct State: Decodable, Sendable {
        let running: Bool
        let exitCode: Int32
        let outOfMemory: Bool?

        enum CodingKeys: String, CodingKey {
            case running = "Running"
            case exitCode = "ExitCode"
            case outOfMemory = "OOMKilled"
        }
    }

    struct HostConfig: Decodable, Sendable {
        let memory: Int?

        enum CodingKeys: String, CodingKey {
            case memory = "Memory"
        }
    }

    let id: String
    let state: State
    let hostConfig: HostConfig

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case state = "State"
        case hostConfig = "HostConfig"
    }
}

/// One of `GET /events`.
struct EventMessage: Decodable, Hashable, Sendable {
    struct Actor: Decodable, Hashable, Sendable {
        let id: String
        let attributes: [String: String]?

        enum CodingKeys: String, CodingKey {
            case id = "ID"
            case attributes = "Attributes"
        }
    }

    let action: String
    let actor: Actor

    enum CodingKeys: String, CodingKey {
        case action = "Action"
        case actor = "Actor"
    }
}
