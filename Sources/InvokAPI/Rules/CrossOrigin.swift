import HTTPTypes
import Hummingbird

/// Cross-origin resource sharing (the Fetch standard, §3.2): which pages of other origins may call something and read its
/// answers.
struct CrossOrigin: Sendable {
    private let origins: Set<String>

    /// - Parameter origins: `*` among them allows all.
    init(origins: some Sequence<String>) { self.origins = Set(origins) }

    func allows(_ origin: String) -> Bool { allowed(origin) != nil }

    /// Whether the request asks what it may do, before it does it.
    static func isPreflight(_ request: HTTPRequest) -> Bool {
        request.method == .options && request.headerFields[.origin] != nil
            && request.headerFields[.accessControlRequestMethod] != nil
    }

    /// Adds what lets the page at `origin` read the answer. What has its own opinion keeps it.
    func apply(to fields: inout HTTPFields, origin: String?) {
        guard let origin, !origins.isEmpty, fields[.accessControlAllowOrigin] == nil else { return }
        if !origins.contains("*") { addVary(to: &fields) }
        guard let allowed = allowed(origin) else { return }
        fields[.accessControlAllowOrigin] = allowed
        fields[.accessControlExposeHeaders] = "X-Request-Id, Retry-After"
    }

    /// The answer to a preflight.
    func preflight(_ request: HTTPRequest) -> Response {
        var fields = HTTPFields()
        apply(to: &fields, origin: request.headerFields[.origin])
        if fields[.accessControlAllowOrigin] != nil {
            fields[.accessControlAllowMethods] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
            // `*` would not cover Authorization.
            fields[.accessControlAllowHeaders] =
                request.headerFields[.accessControlRequestHeaders] ?? "Authorization, Content-Type"
            fields[.accessControlMaxAge] = "600"
        }
        return Response(status: .noContent, headers: fields)
    }

    private func allowed(_ origin: String) -> String? {
        if origins.contains("*") { return "*" }
        return origins.contains(origin) ? origin : nil
    }

    private func addVary(to fields: inout HTTPFields) { fields.append(HTTPField(name: .vary, value: "Origin")) }
}
