import HTTPTypes
import Hummingbird
import Invok

extension Request {
    /// The token of the platform: `X-Invok-Token`, or `Authorization: Bearer` (RFC 6750 §2.1).
    var platformToken: String? {
        if let token = headers[HTTPField.Name("X-Invok-Token")!] { return token }
        guard let parts = headers[.authorization]?.split(separator: " "), parts.count == 2,
            parts[0].lowercased() == "bearer"
        else { return nil }
        return String(parts[1])
    }

    /// A query parameter, decoded.
    /// - Throws: `invalid_request` when `read` does not take it; `expected` says what it takes.
    func query<Value>(_ name: String, expected: String, _ read: (String) -> Value?) throws(InvokError) -> Value? {
        guard let text = uri.queryParameters[name[...]] else { return nil }
        guard let value = read(String(text)) else {
            throw .invalidRequest("the query parameter '\(name)' must be \(expected)")
        }
        return value
    }

    /// `?namespace=UUID`.
    func namespaceQuery() throws(InvokError) -> Namespace? {
        try query("namespace", expected: "a UUID") { Namespace($0) }
    }
}

extension APIContext {
    /// The function that the path names. What cannot be a function's name names none.
    func functionKey() throws(InvokError) -> FunctionKey {
        guard let namespace = parameters.get("namespace").flatMap({ Namespace($0) }),
            let name = parameters.get("name").flatMap({ try? FunctionName($0) })
        else {
            throw InvokError(
                .notFound, "there is no such function", nextStep: "check the namespace and the name with 'invok list'")
        }
        return FunctionKey(namespace: namespace, name: name)
    }

    /// What the path names by `{id}`.
    func identifier() throws(InvokError) -> UUIDValue {
        guard let id = parameters.get("id").flatMap({ UUIDValue($0) }) else {
            throw InvokError(
                .notFound, "there is nothing of this name", nextStep: "give the identifier as it was listed")
        }
        return id
    }
}
