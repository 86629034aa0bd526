import HTTPTypes

/// Header fields that keep a browser from doing with the API's answers what they are not for (OWASP REST security).
enum SecurityFields {
    static func apply(to fields: inout HTTPFields) {
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        fields[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        fields[HTTPField.Name("Cross-Origin-Resource-Policy")!] = "same-origin"
        // Answers depend on the token.
        if fields[.cacheControl] == nil { fields[.cacheControl] = "no-store" }
    }
}
