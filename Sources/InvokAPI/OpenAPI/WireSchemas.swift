import Invok

/// The schemas of the wire types. A test holds their properties equal to what the types encode.
enum WireSchemas {
    static let all: [String: Schema] = [
        "Credentials": .object([
            required("email", .string), required("password", .string), optional("code", .string),
            optional("refresh", .boolean), optional("device", .string),
        ]),
        "InvitationRequest": .object([optional("role", role), optional("expires_seconds", .integer)]),
        "Invitation": .object([
            required("id", .uuid), optional("code", .string), required("role", role), required("created_at", .dateTime),
            required("expires_at", .dateTime),
        ]),
        "User": .object([required("uuid", .uuid), required("email", .string), optional("role", role)]),
        "Session": .object([
            required("token", .string), required("user", .reference("User")), optional("refresh_token", .string),
            optional("expires_in", .integer),
        ]),
        "Refresh": .object([required("refresh_token", .string)]),
        "PasswordChange": .object([
            required("password", .string), required("new_password", .string), optional("refresh", .boolean),
        ]),
        "LoginSession": .object([
            required("id", .uuid), required("client", .string), required("address", .string),
            required("created_at", .dateTime), required("used_at", .dateTime), required("expires_at", .dateTime),
            required("current", .boolean),
        ]),
        "Limits": .object([
            optional("memoryMB", .integer), optional("cpus", .number), optional("timeoutSeconds", .integer),
            optional("pauseSeconds", .integer), optional("streamSeconds", .integer),
            optional("concurrency", .integer), optional("minInstances", .integer), optional("maxInstances", .integer),
            optional("idleSeconds", .integer), optional("startSeconds", .integer), optional("ratePerCaller", .integer),
        ]),
        "Function": .object([
            required("uuid", .uuid), required("name", .string), optional("runtime", runtime),
            required("access", access), optional("active_version", .integer), optional("limits", .reference("Limits")),
            required("env", .array(.string)), optional("secrets", .array(.string)), required("egress", egress),
            required("path", .string), required("created_at", .dateTime), required("updated_at", .dateTime),
        ]),
        "FunctionUpdate": .object([
            optional("access", access), optional("env", .map(.string)), optional("limits", .reference("Limits")),
        ]),
        "Secret": .object([
            required("name", .string), optional("function", .string), required("purpose", purpose),
            required("changed_at", .dateTime), optional("restarted", .array(.string)),
        ]),
        "SecretUpdate": .object([required("value", .string)]),
        "Upload": .object([required("file", .binary)]),
        "Deployed": .object([
            required("uuid", .uuid), required("name", .string), required("version", .integer),
            required("path", .string), required("access", access), required("build_log", .string),
        ]),
        "Version": .object([
            required("number", .integer), required("state", .string(oneOf: ["building", "ready", "failed"])),
            required("active", .boolean), required("runtime", runtime), required("artifact", .string),
            required("egress", egress), optional("reason", .string), required("build_log", .string),
            required("created_by", .uuid),
            required("created_at", .dateTime),
        ]),
        "Rollback": .object([optional("to", .integer)]),
        "Call": .object([
            required("method", .string), optional("path", .string),
            optional(
                "headers",
                .array(.object([required("name", .string), required("value", .string)]))),
            optional("body", .string),
        ]),
        "Template": .object([required("runtime", runtime), required("name", .string), required("files", .map(.string))]
        ),
        "LogLine": .object([
            required("time", .dateTime), required("source", .string(oneOf: LogLine.Source.allCases.map(\.rawValue))),
            optional("instance", .string), required("text", .string), required("cursor", .integer),
        ]),
        "Status": .object([
            required("version", .string), required("world", .map(.string)), optional("functions_url", .string),
            required(
                "functions",
                .array(
                    .object([
                        required("name", .string), optional("version", .integer), required("instances", .integer),
                        required("requests", .integer),
                    ]))),
        ]),
        "Stats": .object([
            required("since", .dateTime), required("until", .dateTime), required("step_seconds", .integer),
            required("instances", .integer), required("total", .reference("CallFigures")),
            required(
                "points",
                .array(.object([required("time", .dateTime), required("figures", .reference("CallFigures"))]))),
        ]),
        "CallFigures": .object([
            required("calls", .integer), required("errors", .integer), required("cold_starts", .integer),
            required("instances", .integer), optional("p50_ms", .number), optional("p95_ms", .number),
            optional("p99_ms", .number),
        ]),
        "Health": .object([required("status", .string(oneOf: ["ok"]))]),
        "Readiness": .object([
            required("status", .string(oneOf: Readiness.Status.allCases.map(\.rawValue))),
            required("parts", .map(.string(oneOf: ["ok", "unavailable"]))),
        ]),
        "Problem": .object([
            required("type", .string), required("title", .string), required("status", .integer),
            required("detail", .string), required("code", .string(oneOf: InvokError.Code.allCases.map(\.rawValue))),
            required("request_id", .string), required("error", .string), optional("next_step", .string),
            optional("build_log", .string), optional("quota", .reference("QuotaExcess")),
        ]),
        "QuotaExcess": .object([
            required("name", .string(oneOf: Quota.Name.allCases.map(\.rawValue))), required("value", .integer),
            required("used", .integer),
        ]),
    ]

    private static let access = Schema.string(oneOf: Access.allCases.map(\.rawValue))
    private static let purpose = Schema.string(oneOf: SecretKey.Purpose.allCases.map(\.rawValue))
    private static let role = Schema.string(oneOf: Role.allCases.map(\.rawValue))
    private static let runtime = Schema.string(oneOf: Runtime.allCases.map(\.rawValue))
    /// Nothing, the public internet, or what is listed.
    private static let egress = Schema.either([.boolean, .array(.string)])

    private static func required(_ name: String, _ schema: Schema) -> Schema.Property {
        Schema.Property(name: name, schema: schema)
    }

    private static func optional(_ name: String, _ schema: Schema) -> Schema.Property {
        Schema.Property(name: name, schema: schema, isRequired: false)
    }
}
