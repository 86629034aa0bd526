import Invok

extension SourceArchive {
    /// The largest file that says how to build, in bytes: a lock file names every package of a tree.
    static let maximumManifestBytes = 16 << 20

    /// A file that says how to build, if there is one. Reading it may block.
    /// - Parameter limit: the most that it may have, in bytes.
    func manifest(
        _ path: String, upTo limit: Int = maximumManifestBytes
    ) throws(BuildError) -> [UInt8]? {
        guard let file = files[path] else { return nil }
        do throws(InvokError) {
            if let bytes = try file.whole(upTo: limit) { return bytes }
        } catch {
            throw BuildError(reading: error)
        }
        throw .failed(reason: "\(path) is larger than \(limit >> 20) MiB", log: "")
    }

    /// Those of the files that are at one of the paths, or below it; of the project's own, the empty one, all.
    func files(at paths: some Sequence<String>) -> [String: any ByteStream] {
        let paths = Array(paths)
        guard !paths.contains("") else { return files }
        return files.filter { name, _ in paths.contains { name == $0 || name.hasPrefix($0 + "/") } }
    }

    /// A path that a manifest names, as the archive has it: `./lib/../other/` in `app` is `app/other`.
    /// - Returns: `nil` for one that leads out of the project.
    static func path(_ named: some StringProtocol, in folder: String) -> String? {
        var parts = folder.split(separator: "/").map(String.init)
        for part in named.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(String(part))
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return named.hasPrefix("/") ? nil : parts.joined(separator: "/")
    }
}
