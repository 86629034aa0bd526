import Invok

/// Why a build does not get what it asks for, in words that the tool prints.
struct RegistryFailure: Error, Hashable, Sendable {
    /// Of HTTP. What a registry has failed at is 504 or 424, which no tool takes for a reason to ask again by itself.
    let status: Int
    /// One line.
    let message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = PlainText.escaped(message)
    }

    static let forbidden = RegistryFailure(403, "a build reaches nothing but the package registries")
    static let noSuchPath = RegistryFailure(403, "this is no address of a package registry")
    static let diskFull = RegistryFailure(507, "the server has no room left for packages")

    /// What went wrong on the way to a registry.
    init(_ error: PackageSourceError, at place: RegistryURL) {
        switch error {
        case .unreachable(let reason): self.init(504, "the server does not reach \(place.name): \(reason)")
        case .cutOff(let reason): self.init(504, "the answer of \(place.name) broke off: \(reason)")
        case .refused(let reason): self.init(504, "\(place.name) leads elsewhere: \(reason)")
        case .cancelled: self.init(504, "cut off")
        }
    }

    /// What a registry answers instead of a package.
    init(status: Int, of place: RegistryURL) {
        switch status {
        case 404, 410: self.init(status, "\(place.name) has no \(place.shownPath)")
        case 401, 403:
            self.init(
                403, "\(place.name) does not let the server have \(place.shownPath) (\(status)): see its credentials")
        default: self.init(504, "\(place.name) answers \(status) for \(place.shownPath)")
        }
    }

    /// Whether the registry said that there is no such thing.
    var isMissing: Bool { status == 404 || status == 410 }
}
