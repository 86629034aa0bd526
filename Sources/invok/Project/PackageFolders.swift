/// Node's packages where links stand for them: pnpm's, npm's and yarn's stores, and workspaces.
///
/// Node looks for what a package needs beside the package's true place. An archive has no links, so a package that a link
/// stands for takes those along: they go into its own `node_modules`, unless the same is found further out.
enum PackageFolders {
    struct Listing {
        /// Where each package is, by its name, which may be `@scope/name`.
        var packages: [String: String] = [:]
        /// Files beside them.
        var others: [String] = []
        /// Folders that have the packages which links stand for.
        var stores: [String] = []
    }

    /// Of pnpm; of npm with `install-strategy=linked` and yarn with `nodeLinker: pnpm`; of bun.
    private static let stores: Set<String> = [".pnpm", ".store", ".bun"]

    /// What is in a `node_modules`.
    /// - Parameter folder: without links.
    static func listing(of folder: String) throws(Failure) -> Listing {
        var listing = Listing()
        for name in try Files.names(in: folder) {
            let place = folder + "/" + name
            let isFolder = try Files.status(place)?.kind == .directory
            if stores.contains(name), isFolder {
                listing.stores.append(name)
                // What packages use without having said so; never in the place of what the project itself asked for.
                try add(packagesIn: place + "/node_modules", to: &listing.packages)
            } else if name.hasPrefix(".") {
                listing.others.append(name)
            } else if name.hasPrefix("@"), isFolder {
                for inner in try names(in: place) { listing.packages["\(name)/\(inner)"] = "\(place)/\(inner)" }
            } else {
                listing.packages[name] = place
            }
        }
        return listing
    }

    /// What Node finds beside a package that a link stands for, by name.
    /// - Parameters:
    ///   - package: its true place.
    ///   - link: where the link is. What lies around both is found anyway.
    ///   - root: the project's folder.
    static func neighbours(
        of package: String, linkedFrom link: String, in root: String
    ) throws(Failure) -> [String: String] {
        var found: [String: String] = [:]
        var folder = parent(of: package)
        while folder.hasPrefix(root + "/"), !link.hasPrefix(folder + "/"), !stores.contains(String(name(of: folder))) {
            let modules = name(of: folder) == "node_modules" ? folder : folder + "/node_modules"
            try add(packagesIn: modules, to: &found)
            folder = parent(of: folder)
        }
        return try found.filtered { (place) throws(Failure) in try Files.realPath(place) != package }
    }

    /// Adds the packages of a folder whose names are not there yet; none where the folder is missing.
    private static func add(packagesIn folder: String, to packages: inout [String: String]) throws(Failure) {
        for name in try names(in: folder) where !name.hasPrefix(".") {
            let inner = name.hasPrefix("@") ? try names(in: folder + "/" + name).map { "\(name)/\($0)" } : [name]
            for name in inner where packages[name] == nil { packages[name] = folder + "/" + name }
        }
    }

    /// What is in a folder that is no link; nothing where there is none.
    private static func names(in folder: String) throws(Failure) -> [String] {
        try Files.status(folder)?.kind == .directory ? try Files.names(in: folder) : []
    }

    private static func parent(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private static func name(of path: String) -> Substring {
        path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
    }
}

extension [String: String] {
    fileprivate func filtered(_ isKept: (String) throws(Failure) -> Bool) throws(Failure) -> [String: String] {
        var kept: [String: String] = [:]
        for (key, value) in self where try isKept(value) { kept[key] = value }
        return kept
    }
}
