/// What the operator's tools go by: variables, and files.
struct SettingsFiles: Sendable {
    let environment: [String: String]
    /// The text of a file; `nil` when there is none that can be read.
    let text: @Sendable (String) -> String?

    /// A variable that is set to something.
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A file of the operator's home folder.
    func home(_ path: String) -> String? { variable("HOME").map { "\($0)/\(path)" } }

    /// A file of the folder for settings (XDG Base Directory Specification).
    func configuration(_ path: String) -> String? {
        variable("XDG_CONFIG_HOME").map { "\($0)/\(path)" } ?? home(".config/\(path)")
    }

    var logins: [Netrc.Login] {
        (variable("NETRC") ?? home(".netrc")).flatMap(text).map(Netrc.logins) ?? []
    }
}

/// The lines of settings files of both pip and npm.
enum IniFile {
    /// - Returns: the values by section and key, `""` for what stands before the first section. A line that is indented
    ///   goes on the value before it.
    static func sections(of text: String, comments: Set<Character> = ["#", ";"]) -> [String: [String: String]] {
        var sections: [String: [String: String]] = [:]
        var (section, key) = ("", String?.none)
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let words = line.trimmed
            guard let first = words.first, !comments.contains(first) else { continue }
            if line.first?.isWhitespace == true, let key {
                sections[section]?[key, default: ""] += "\n" + words
            } else if first == "[", words.last == "]" {
                (section, key) = (String(words.dropFirst().dropLast()), nil)
            } else {
                let end = words.firstIndex { $0 == "=" } ?? words.endIndex
                let name = words[..<end].trimmed
                key = name
                sections[section, default: [:]][name] = words[end...].dropFirst().trimmed
            }
        }
        return sections
    }
}

extension StringProtocol {
    /// Without blanks at its ends.
    var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(
            start[..<(start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) } ?? start.startIndex)])
    }
}
