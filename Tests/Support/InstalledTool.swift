import Foundation

/// Finds tools as the core does; a missing one fails the test.
public enum InstalledTool {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    public static func path(of tool: String) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let name = tool == "python3" ? "PYTHON" : tool.uppercased()
        if let given = environment["INVOK_\(name)"] { return given }
        let home = environment["HOME"] ?? "/"
        let data = environment["XDG_DATA_HOME"] ?? "\(home)/.local/share"
        let folders =
            ["\(environment["INVOK_TOOLCHAINS"] ?? "\(data)/invok/toolchains")/bin"]
            + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") })
        else {
            throw Missing(description: "\(tool) is missing; ci/setup installs it")
        }
        return "\(folder)/\(tool)"
    }
}
