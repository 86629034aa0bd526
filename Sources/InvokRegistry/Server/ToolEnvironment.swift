import InvokBuild

/// What tells each tool where its registries are in a build. The core waits for a registry longer than tools do by
/// themselves, asks it again by itself, and says what is wrong: so tools wait, ask once, and pass that on.

extension PipSettings {
    /// - Parameter address: of the registries, `http://127.0.0.1:PORT`.
    func environment(at address: String) -> [String: String] {
        var variables = [
            "PIP_CONFIG_FILE": "/dev/null", "PIP_DEFAULT_TIMEOUT": "900", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1", "PIP_RETRIES": "0",
        ]
        let addresses = indexes.indices.map { "\(address)/pypi/\($0)/simple/" }
        if let first = addresses.first {
            variables["PIP_INDEX_URL"] = first
        } else {
            variables["PIP_NO_INDEX"] = "1"
        }
        if addresses.count > 1 { variables["PIP_EXTRA_INDEX_URL"] = addresses.dropFirst().joined(separator: " ") }
        return variables
    }
}

extension NpmSettings {
    func environment(at address: String) -> [String: String] {
        [
            "npm_config_registry": "\(address)/npm/",
            // A lock file names the registry that it was made with: whichever that was, its packages come from this one.
            "npm_config_replace_registry_host": "always",
            "npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false",
            "npm_config_fetch_retries": "0", "npm_config_fetch_timeout": "900000",
        ]
    }
}

extension GoSettings {
    func environment(at address: String) -> [String: String] {
        var variables = [
            "GOPROXY": "\(address)/go", "GOSUMDB": checksums?.setting ?? "off", "GOVCS": "*:off",
            // Else what is private would be asked for elsewhere.
            "GOPRIVATE": "", "GONOPROXY": "none",
        ]
        variables["GONOSUMDB"] = unchecked
        return variables
    }
}
