import Foundation
import Invok

extension NodeRecipe {
    private static let manifestName = "package.json"
    /// npm goes by the first of these that is there.
    private static let lockNames = ["npm-shrinkwrap.json", "package-lock.json"]
    /// npm takes the versions of an older yarn's; of the others it knows nothing.
    private static let yarnLockName = "yarn.lock"
    private static let unreadLockNames = ["pnpm-lock.yaml", "bun.lock", "bun.lockb"]
    /// What stands before a dependency that lies in the project.
    private static let localPrefixes = ["file:", "link:"]

    /// What of `package.json` says what to install.
    private struct Manifest: Decodable {
        let dependencies: [String: String]?
        let optionalDependencies: [String: String]?
        let peerDependencies: [String: String]?
        let workspaces: Workspaces?

        /// Folders of the project that are packages, by patterns.
        struct Workspaces: Decodable {
            let patterns: [String]

            private enum CodingKeys: CodingKey { case packages }

            init(from decoder: any Decoder) throws {
                if let patterns = try? [String](from: decoder) {
                    self.patterns = patterns
                } else {
                    patterns = try decoder.container(keyedBy: CodingKeys.self).decode([String].self, forKey: .packages)
                }
            }

            /// The folders that have them, and perhaps more.
            var folders: [String] {
                patterns.filter { !$0.hasPrefix("!") }.compactMap { pattern in
                    let parts = pattern.split(separator: "/").prefix { !$0.contains { "*?[{".contains($0) } }
                    return SourceArchive.path(parts.joined(separator: "/"), in: "")
                }
            }
        }

        var all: [String: String] {
            [dependencies, optionalDependencies, peerDependencies].reduce(into: [:]) { all, part in
                all.merge(part ?? [:]) { $1 }
            }
        }
    }

    /// Nothing where `node_modules` comes with the archive: it is used as it is.
    func installPlan(for source: SourceArchive) throws(BuildError) -> InstallPlan? {
        guard let bytes = try source.manifest(Self.manifestName),
            !source.files.keys.contains(where: { $0.hasPrefix("node_modules/") }),
            // What it is instead, the build says.
            let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(Self.withoutMark(bytes)))
        else { return nil }
        let workspaces = manifest.workspaces?.folders ?? []
        guard !manifest.all.isEmpty || !workspaces.isEmpty else { return nil }
        let local = manifest.all.values.compactMap { version in
            Self.localPrefixes.first(where: version.hasPrefix).flatMap {
                SourceArchive.path(version.dropFirst($0.count), in: "")
            }
        }
        var files = source.files(at: local + workspaces)
        for name in [Self.manifestName, ".npmrc", Self.yarnLockName] + Self.lockNames {
            files[name] = source.files[name]
        }
        files["\(BuildPlan.shimFolder)/install.mjs"] = PackageResources.install_mjs
        let hasLock = Self.lockNames.contains { source.files[$0] != nil }
        let unread = Self.unreadLockNames.first { source.files[$0] != nil }
        return InstallPlan(
            files: files,
            command: ["node", "\(BuildPlan.shimFolder)/install.mjs"]
                + (hasLock ? ["ci"] : ["install"] + [unread].compactMap(\.self)),
            output: "node_modules",
            // Where node looks for what is not beside the project itself.
            destination: .bundle("node_modules", inBuild: "/node_modules"))
    }

    private static func withoutMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    }

    func installFailureReason(log: String) -> String {
        if let sentence = BuildPlan.sentence(in: log) { return sentence }
        let lines = log.split(whereSeparator: \.isNewline)
        let code = lines.first { $0.hasPrefix("npm error code ") }?.dropFirst("npm error code ".count) ?? ""
        switch code {
        case "E404":
            let name = lines.lazy.compactMap { Self.quoted(in: $0) }.first
            return "the package registry has no \(name ?? "such package"), which package.json asks for"
        case "ETARGET":
            let name = lines.first { $0.contains("No matching version found for ") }?.split(separator: " ").last
            return "the package registry has no \(name.map { String($0.drop { $0 == "." }) } ?? "such version")"
        case "EUSAGE", "ELOCKVERIFY":
            return "package-lock.json does not fit package.json; run 'npm install' and deploy again"
        case "EINTEGRITY":
            return "a package is another than the one that the lock file has the hash of; its name is in the log"
        case "ERESOLVE":
            return "the packages that package.json asks for do not go with each other; npm says which in the log"
        case "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "E502", "E503", "E504":
            return "npm could not reach the registry; builds reach those alone that the server's operator has set"
        default: return "npm could not install what package.json asks for; its message is in the log"
        }
    }

    /// As in `npm error 404  'left-padd@^1.0.0' is not in this registry.`
    private static func quoted(in line: Substring) -> String? {
        guard line.hasPrefix("npm error 404"), line.contains("' is not in") else { return nil }
        return line.split(separator: "'").dropFirst().first.map(String.init)
    }
}
