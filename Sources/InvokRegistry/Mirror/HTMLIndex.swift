/// An index page as HTML (PEP 503): its links are rewritten, and all else stays as it is.
struct HTMLIndex {
    private var rest: Substring.UTF8View
    private var text = ""
    private let page: RegistryURL
    private var base: RegistryURL
    private let rewrite: (PackageLink) -> String?

    /// - Parameter rewrite: the path that a link gets; `nil` where it gets none and leads nowhere.
    static func rewritten(_ text: String, from page: RegistryURL, _ rewrite: @escaping (PackageLink) -> String?)
        -> String
    {
        var index = HTMLIndex(rest: text[...].utf8, page: page, rewrite: rewrite)
        index.run()
        return index.text
    }

    private init(rest: Substring.UTF8View, page: RegistryURL, rewrite: @escaping (PackageLink) -> String?) {
        (self.rest, self.page, base, self.rewrite) = (rest, page, page, rewrite)
    }

    private struct Attribute {
        let name: String
        /// Without its quotes, as it is written.
        let value: Substring
        let range: Range<String.Index>
    }

    private mutating func run() {
        while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
            text += Substring(rest[..<start])
            rest = rest[start...]
            if rest.starts(with: "<!--".utf8) {
                let end = Substring(rest).firstRange(of: "-->")?.upperBound ?? rest.endIndex
                text += Substring(rest[..<end])
                rest = rest[end...]
            } else {
                tag()
            }
        }
        text += Substring(rest)
    }

    /// Takes one tag, with its attributes.
    private mutating func tag() {
        let all = Substring(rest)
        var at = all.index(after: all.startIndex)
        let name = all[at...].prefix { $0.isLetter || $0.isNumber || $0 == "/" }.lowercased()
        at = all.index(at, offsetBy: name.count)
        var attributes: [Attribute] = []
        while at < all.endIndex, all[at] != ">" {
            if all[at].isWhitespace || all[at] == "/" || all[at] == "\"" || all[at] == "'" || all[at] == "=" {
                at = all.index(after: at)
                continue
            }
            let key = all[at...].prefix { !$0.isWhitespace && $0 != "=" && $0 != ">" && $0 != "/" }
            at = key.endIndex
            let value = Self.value(in: all, &at)
            attributes.append(
                Attribute(
                    name: key.lowercased(), value: value ?? "",
                    range: value.map { $0.startIndex..<$0.endIndex } ?? at..<at))
        }
        let end = at < all.endIndex ? all.index(after: at) : at
        rest = all[end...].utf8
        guard let reference = attributes.first(where: { $0.name == "href" && !$0.range.isEmpty }) else {
            text += all[..<end]
            return
        }
        switch name {
        case "a":
            text += all[..<reference.range.lowerBound] + target(of: reference.value, attributes)
            text += all[reference.range.upperBound..<end]
        case "base":
            // Where links are relative to from here on; they are no more once they are rewritten.
            base = page.resolving(Self.unescaped(reference.value)) ?? page
        default: text += all[..<end]
        }
    }

    /// What stands behind a `=`, and moves behind it.
    private static func value(in all: Substring, _ at: inout String.Index) -> Substring? {
        var next = all[at...].drop(while: \.isWhitespace)
        guard next.first == "=" else { return nil }
        next = next.dropFirst().drop(while: \.isWhitespace)
        let quote = next.first
        let value: Substring
        if quote == "\"" || quote == "'" {
            value = next.dropFirst().prefix { $0 != quote }
            at = value.endIndex < all.endIndex ? all.index(after: value.endIndex) : value.endIndex
        } else {
            value = next.prefix { !$0.isWhitespace && $0 != ">" }
            at = value.endIndex
        }
        return value
    }

    private func target(of reference: Substring, _ attributes: [Attribute]) -> String {
        let reference = Self.unescaped(reference)
        let fragment = reference.firstIndex(of: "#").map { reference[$0...] } ?? ""
        guard var link = PackageLink(reference, on: page, base: base, hash: PackageHash(fragment: fragment.dropFirst()))
        else {
            return "#"
        }
        let metadata = attributes.first { ["data-core-metadata", "data-dist-info-metadata"].contains($0.name) }
        link.metadataHash = metadata.flatMap { PackageHash(fragment: $0.value) }
        return Self.escaped((rewrite(link) ?? "") + fragment)
    }

    private static func unescaped(_ text: some StringProtocol) -> String {
        String(text).replacing("&quot;", with: "\"").replacing("&#x27;", with: "'").replacing("&#39;", with: "'")
            .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&").trimmed
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
            .replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
