import Foundation

/// Who may read what the server keeps. Only where the doctor runs on the server's machine.
struct FileChecks: Sendable {
    /// The data directory.
    let directory: String

    private static let claim = "only the server's user may enter the data directory"
    private static let filesClaim = "only the server's user may read the database and the secrets"

    func run() -> [SecurityCheck] {
        guard let mode = mode(directory) else {
            return [SecurityCheck(Self.claim, skipped: "there is no \(directory) here; set INVOK_DATA_DIR")]
        }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory))?.sorted() ?? []
        let open = files.filter { name in
            let path = "\(directory)/\(name)"
            return !isFolder(path) && (self.mode(path) ?? 0) & 0o077 != 0
        }
        return [
            SecurityCheck(
                Self.claim, mode & 0o077 == 0, found: "\(directory) has the mode \(String(mode, radix: 8))",
                nextStep: "Run: chmod 700 '\(directory)'"),
            SecurityCheck(
                Self.filesClaim, open.isEmpty, found: "others may read \(open.joined(separator: ", "))",
                nextStep: "Run: chmod 600 in '\(directory)' for them"),
        ]
    }

    private func mode(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
    }

    private func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
