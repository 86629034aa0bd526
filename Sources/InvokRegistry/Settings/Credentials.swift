import Foundation
import Invok

/// What the operator shows to registries. It stays in the core: no build sees any of it.
struct Credentials: Sendable {
    private struct Entry: Sendable {
        let host: String
        /// `nil` for any.
        let port: Int??
        let path: String
        let value: String
    }

    private var entries: [PackageEcosystem: [Entry]] = [:]

    /// For all below a URL: its host and port, and from npm its path.
    mutating func add(_ value: String, for url: RegistryURL, path: String = "/", _ ecosystem: PackageEcosystem) {
        entries[ecosystem, default: []].append(
            Entry(host: url.host, port: .some(url.port), path: path, value: value))
    }

    /// For a host, whatever the port: what `.netrc` says. What is said more closely comes first.
    mutating func add(_ value: String, host: String, _ ecosystem: PackageEcosystem) {
        entries[ecosystem, default: []].append(Entry(host: host.lowercased(), port: nil, path: "", value: value))
    }

    /// The value of `Authorization` for a request; `nil` for none.
    func authorization(for url: RegistryURL, _ ecosystem: PackageEcosystem) -> String? {
        (entries[ecosystem] ?? []).filter { entry in
            guard entry.host == url.host, !url.host.isEmpty else { return false }
            if let port = entry.port, port != url.port { return false }
            return entry.path.isEmpty || url.path.hasPrefix(entry.path)
        }.max { $0.path.utf8.count < $1.path.utf8.count }?.value
    }

    /// RFC 7617.
    static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }
}

/// `~/.netrc`: hosts with a login each.
enum Netrc {
    struct Login: Hashable, Sendable {
        let host: String
        let user: String
        let password: String
    }

    static func logins(in text: String) -> [Login] {
        var logins: [Login] = []
        var (host, user, password) = (String?.none, "", "")
        func end() { if let host { logins.append(Login(host: host, user: user, password: password)) } }
        var words = text.split(whereSeparator: \.isNewline).filter { !$0.drop { $0 == " " }.hasPrefix("#") }
            .flatMap { $0.split(whereSeparator: \.isWhitespace) }[...]
        while let word = words.popFirst() {
            switch word {
            case "machine":
                end()
                (host, user, password) = (words.popFirst().map(String.init), "", "")
            // Credentials for whoever asks are none that a server should have.
            case "default":
                end()
                host = nil
            case "login": user = words.popFirst().map(String.init) ?? ""
            case "password": password = words.popFirst().map(String.init) ?? ""
            case "account": _ = words.popFirst()
            default: break
            }
        }
        end()
        return logins
    }
}
