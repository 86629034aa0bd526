import HTTPTypes

/// What a browser may do with a file: the fields that say so.
enum Policy: Sendable {
    /// The console itself. Nothing but its own scripts and styles, nothing inline, no other host, in nobody's frame.
    case page
    /// What the page loads.
    case file
    /// The frame in which a function's HTML is shown: an origin of its own, which is nobody's, without a network.
    case preview

    private var contentSecurityPolicy: String {
        switch self {
        case .page:
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
                + "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        case .file: "default-src 'none'; frame-ancestors 'none'"
        case .preview:
            "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                + "img-src data: blob:; font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'; "
                + "frame-ancestors 'self'"
        }
    }

    func apply(to fields: inout HTTPFields) {
        fields[.contentSecurityPolicy] = contentSecurityPolicy
        fields[.xContentTypeOptions] = "nosniff"
        fields[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        fields[HTTPField.Name("Cross-Origin-Opener-Policy")!] = "same-origin"
        fields[HTTPField.Name("Cross-Origin-Resource-Policy")!] = "same-origin"
        fields[HTTPField.Name("Permissions-Policy")!] =
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    }
}
