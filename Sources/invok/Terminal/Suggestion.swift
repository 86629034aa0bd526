/// Finds what a person meant to type.
enum Suggestion {
    /// The candidate nearest to the text, if it is near enough to be a slip: one edit in three letters.
    static func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(1, min(3, text.count / 3))
        return candidates.filter { $0 != text }
            .map { (candidate: $0, distance: distance(text, $0)) }
            .filter { $0.distance <= limit || (text.count >= 3 && $0.candidate.hasPrefix(text)) }
            .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?.candidate
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other (optimal string
    /// alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var rows = [Array(0...right.count)]
        for i in 1...left.count {
            var row = [i]
            for j in 1...right.count {
                let replaced = rows[i - 1][j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                var best = min(replaced, rows[i - 1][j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    best = min(best, rows[i - 2][j - 2] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
