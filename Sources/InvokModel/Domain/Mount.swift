/// Which path a function sees for its own root: `/`, with the place where it stands told apart, or `/{name}`.
public enum Mount: String, Sendable, Hashable, CaseIterable, Codable {
    /// An app (WSGI, ASGI, an object with `fetch`, Go's `http.Handler`) at the root, a handler function at its name: each
    /// as its own standard has it.
    case standard
    case root
    case name

    /// What a `config.json` may say; without a word it is `standard`.
    static let choices = [root, name]
}
