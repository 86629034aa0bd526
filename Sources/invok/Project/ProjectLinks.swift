/// The links of a project: where they lead, and what is wrong with those that cannot be followed.
struct ProjectLinks {
    enum Problem: Hashable { case outside, broken, circle }

    /// Something in a folder; behind a link, what it leads to.
    struct Item {
        let kind: FileStatus.Kind
        /// Where it is, without links.
        let source: String
        let size: Int
        let isExecutable: Bool
        let isLinked: Bool
        /// Where the link says that it leads; empty for what is no link.
        let target: String
        var problem: Problem?
    }

    private struct Refused {
        let path: String
        let target: String
        let problem: Problem
    }

    /// How many are named at once.
    private static let shown = 5

    let root: String
    private var refused: [Refused] = []

    init(root: String) { self.root = root }

    /// What is at a place inside the project whose folder has no links in its path.
    /// - Returns: `nil` where it is gone.
    func item(at place: String) throws(Failure) -> Item? {
        guard let status = try Files.status(place) else { return nil }
        guard status.kind == .link else {
            return Item(
                kind: status.kind, source: place, size: status.size, isExecutable: status.isExecutable,
                isLinked: false, target: "")
        }
        let target = try Files.linkTarget(place)
        guard let source = try Files.realPath(place), let behind = try Files.status(source) else {
            return Item(
                kind: .link, source: place, size: 0, isExecutable: false, isLinked: true, target: target,
                problem: .broken)
        }
        return Item(
            kind: behind.kind, source: source, size: behind.size, isExecutable: behind.isExecutable, isLinked: true,
            target: target, problem: source == root || relative(source) != nil ? nil : .outside)
    }

    /// A place as the project names it; `nil` for one outside.
    func relative(_ place: String) -> String? {
        place.hasPrefix(root + "/") ? String(place.dropFirst(root.count + 1)) : nil
    }

    /// Remembers a link that cannot be followed: all are told at once.
    mutating func refuse(_ path: String, _ item: Item, _ problem: Problem) {
        refused.append(Refused(path: path, target: item.target, problem: problem))
    }

    /// - Throws: `Failure` that names the links that cannot be followed, where they lead, and what to do.
    func finish() throws(Failure) {
        guard let first = refused.first else { return }
        var lines = refused.prefix(Self.shown).map(Self.text)
        if refused.count > Self.shown { lines.append("and \(refused.count - Self.shown) links more") }
        throw Failure("invalid_archive", lines.joined(separator: "\n"), nextStep: Self.nextStep(first))
    }

    private static func text(_ link: Refused) -> String {
        let what = "'\(link.path)' is a link to '\(link.target)', "
        return switch link.problem {
        case .outside: what + "which is outside of the project"
        case .broken: what + "where nothing is"
        case .circle: what + "which leads back to a folder that it lies in"
        }
    }

    private static func nextStep(_ link: Refused) -> String {
        let ignore = "name it in \(IgnoreRules.fileName)"
        switch link.problem {
        case .outside where link.path.split(separator: "/").contains("node_modules"):
            return "install it as a copy ('npm install --install-links', or 'pnpm deploy'), or \(ignore)"
        case .outside: return "put a copy of it in the link's place ('cp -RL'), or \(ignore)"
        case .broken, .circle: return "correct or remove the link, or \(ignore)"
        }
    }
}
