import InvokModel

/// Rows under headings, each column as wide as its widest cell.
struct Table {
    private let headings: [String]
    private var rows: [[String]] = []

    init(_ headings: String...) { self.headings = headings }

    /// Adds a row; it has as many cells as there are headings.
    mutating func add(_ cells: String...) { rows.append(cells.map(PlainText.escapedLine)) }

    /// The lines, the headings first, two spaces between columns and none at the end.
    var lines: [String] {
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        return ([headings] + rows).map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
