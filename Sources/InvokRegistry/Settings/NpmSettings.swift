import Foundation
import Invok

/// npm's registries as the operator's settings name them (https://docs.npmjs.com/cli/using-npm/config).
struct NpmSettings: Hashable, Sendable {
    static let standard = "https://registry.npmjs.org/"

    /// For packages without a scope, and for scopes that have none of their own.
    var registry: RegistryURL?
    /// By `@scope`.
    var scopes: [String: RegistryURL] = [:]
    /// The file with certificates that are trusted, too.
    let certificates: String?

    init(_ files: SettingsFiles, _ credentials: inout Credentials, problems: inout [String]) {
        let values = Self.values(files)
        func url(_ text: String) -> RegistryURL? {
            guard let url = RegistryURL(text), url.scheme != "file" else {
                problems.append(
                    "builds do not reach a registry of npm's settings: its address is none of http or https")
                return nil
            }
            return url.folder
        }
        certificates = values["cafile"]
        registry = url(values["registry"] ?? Self.standard)
        for (key, value) in values where key.hasPrefix("@") && key.hasSuffix(":registry") {
            scopes[String(key.dropLast(9))] = url(value)
        }
        Self.addCredentials(values, &credentials)
    }

    func registry(of name: String) -> RegistryURL? {
        let scope = name.hasPrefix("@") ? name.prefix { $0 != "/" } : ""
        return scopes[String(scope)] ?? registry
    }

    /// `//host/path/:_authToken` and its like.
    private static func addCredentials(_ values: [String: String], _ credentials: inout Credentials) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) where key.hasPrefix("//") {
            guard let colon = key.ranges(of: "/:").last,
                let place = RegistryURL("https:" + key[..<colon.lowerBound] + "/")
            else { continue }
            func other(_ name: String) -> String? { values[key[..<colon.upperBound] + name] }
            let header: String
            switch key[colon.upperBound...] {
            case "_authToken": header = "Bearer \(value)"
            case "_auth": header = "Basic \(value)"
            case "_password":
                guard other("_authToken") == nil, other("_auth") == nil, let user = other("username"),
                    let password = Data(base64Encoded: value)
                else { continue }
                header = Credentials.basic(user, String(decoding: password, as: UTF8.self))
            default: continue
            }
            credentials.add(header, for: place, path: place.path, .node)
        }
    }

    private static func values(_ files: SettingsFiles) -> [String: String] {
        var variables: [String: String] = [:]
        for (name, value) in files.environment where name.lowercased().hasPrefix("npm_config_") && !value.isEmpty {
            let key = String(name.dropFirst(11))
            // Those with a host in them are taken as they are.
            variables[key.hasPrefix("//") || key.hasPrefix("@") ? key : key.lowercased()] = value
        }
        let paths = [
            variables["globalconfig"] ?? "/etc/npmrc", variables["userconfig"] ?? files.home(".npmrc"),
        ]
        var values: [String: String] = [:]
        for text in paths.compactMap(\.self).compactMap(files.text) {
            let lines = IniFile.sections(of: text)[""] ?? [:]
            for (key, value) in lines {
                values[expanded(key, files)] = expanded(unquoted(value), files)
            }
        }
        return values.merging(variables) { $1 }
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, let first = text.first, first == text.last, first == "\"" || first == "'" else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }

    /// `${NAME}` is that variable; where there is none it stays as it is, and `${NAME?}` becomes nothing.
    static func expanded(_ text: String, _ files: SettingsFiles) -> String {
        text.replacing(/\$\{([^}?]+)(\?)?\}/) { match in
            files.environment[String(match.1)] ?? (match.2 == nil ? String(match.0) : "")
        }
    }
}
