import HTTPTypes
import Invok
import InvokProxy

/// Where a request goes, by its host and its path, and whether it is let in there.
struct EntranceRules: Sendable {
    enum Entry: Sendable {
        /// - `sharedPath`: the path that is the function's on an origin that it shares; `nil` on a host of its own.
        case function(InvocationTarget, sharedPath: String?)
        /// A page asks what it may do with the API.
        case preflight
        case api
        case refused(InvokError)

        var isInvocation: Bool {
            if case .function = self { true } else { false }
        }
    }

    let hosts: HostRules
    /// Which pages may call the API.
    let crossOrigin: CrossOrigin
    /// Whether functions are called here. Where they are not, no page of theirs shares the origin.
    var servesFunctions = true

    func entry(of request: HTTPRequest, _ caller: Caller) -> Entry {
        let path = request.path ?? ""
        // Who looks after the server on its own machine asks by an address.
        let isProbe = caller.isLocal && ["/healthz", "/readyz"].contains(path)
        switch hosts.site(at: caller.host) {
        case .function(let namespace, let name):
            let rest = HostRules.isRoot(path.utf8) ? String(path.dropFirst()) : path
            return .function(InvocationTarget(namespace: namespace, name: name, rest: rest), sharedPath: nil)
        case .refused(let fault) where !isProbe: return .refused(fault)
        case .refused, .shared: break
        }
        if let target = InvocationTarget(requestPath: path) {
            guard servesFunctions else {
                return .refused(
                    InvokError(
                        .notFound, "functions are not served at the console's address",
                        nextStep: "call it at the server's own, which GET /api/v1/status has as functions_url"))
            }
            // It would answer for other functions' pages, and for the API's (Service Workers §6.3).
            guard request.headerFields[Self.serviceWorker]?.lowercased() != "script" else {
                return .refused(
                    InvokError(
                        .forbidden, "functions that share an origin have no service workers",
                        nextStep: "have the operator set INVOK_FUNCTIONS_HOST, which gives each function its own"))
            }
            return .function(target, sharedPath: "/invok/\(target.namespace)/\(target.name)")
        }
        if CrossOrigin.isPreflight(request) { return .preflight }
        return originFault(request, caller).map { .refused($0) } ?? .api
    }

    /// A page elsewhere could change something by a request whose answer it may not read.
    private func originFault(_ request: HTTPRequest, _ caller: Caller) -> InvokError? {
        guard ![.get, .head, .options].contains(request.method), let origin = request.headerFields[.origin],
            !crossOrigin.allows(origin),
            !hosts.isOwn(origin: origin, host: caller.host, isSecure: caller.scheme == "https")
        else { return nil }
        return InvokError(
            .forbidden, "pages of '\(origin.prefix(80))' may not call this API",
            nextStep: "if they should, the operator adds that origin to INVOK_CORS_ORIGINS")
    }

    private static let serviceWorker = HTTPField.Name("Service-Worker")!
}
