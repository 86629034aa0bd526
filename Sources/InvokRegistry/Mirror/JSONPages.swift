import Foundation

/// Pages of registries in JSON: the addresses of files in them are rewritten, and all else stays.
enum JSONPages {
    /// An index page of Python (PEP 691).
    /// - Parameter rewrite: the address that a link gets; `nil` leaves the file out.
    /// - Returns: `nil` for what is none.
    static func pythonIndex(
        _ bytes: [UInt8], from page: RegistryURL, _ rewrite: (PackageLink) -> String?
    ) -> [UInt8]? {
        guard var object = object(bytes), let files = object["files"] as? [[String: Any]] else { return nil }
        object["files"] = files.compactMap { file -> [String: Any]? in
            guard let url = file["url"] as? String,
                var link = PackageLink(url, on: page, hash: PackageHash(file["hashes"] as? [String: String] ?? [:]))
            else { return nil }
            let metadata = file["core-metadata"] ?? file["dist-info-metadata"] ?? file["data-dist-info-metadata"]
            link.metadataHash = PackageHash(metadata as? [String: String] ?? [:])
            guard let address = rewrite(link) else { return nil }
            return file.merging(["url": address]) { $1 }
        }
        return data(object)
    }

    /// A packument of npm (https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md).
    static func packument(
        _ bytes: [UInt8], from page: RegistryURL, _ rewrite: (PackageLink) -> String?
    ) -> [UInt8]? {
        guard var object = object(bytes) else { return nil }
        guard let versions = object["versions"] as? [String: [String: Any]] else { return bytes }
        object["versions"] = versions.compactMapValues { version -> [String: Any]? in
            guard var dist = version["dist"] as? [String: Any], let url = dist["tarball"] as? String else {
                return version
            }
            let hash =
                (dist["integrity"] as? String).flatMap { PackageHash(integrity: $0) }
                ?? (dist["shasum"] as? String).flatMap { PackageHash("sha1", hexadecimal: $0) }
            guard let address = PackageLink(url, on: page, hash: hash).flatMap(rewrite) else { return nil }
            dist["tarball"] = address
            return version.merging(["dist": dist]) { $1 }
        }
        return data(object)
    }

    private static func object(_ bytes: [UInt8]) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
    }

    private static func data(_ object: [String: Any]) -> [UInt8]? {
        (try? JSONSerialization.data(withJSONObject: object, options: .withoutEscapingSlashes)).map(Array.init)
    }
}
