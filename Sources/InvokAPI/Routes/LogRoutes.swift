import HTTPTypes
import Hummingbird
import Invok

/// Functions' logs, as a list and as a stream of server-sent events.
enum LogRoutes {
    private static let query = [
        QueryParameter(name: "since", summary: "Only lines of that time or later (RFC 3339)", schema: .dateTime),
        QueryParameter(
            name: "limit", summary: "At most so many lines, the newest; 100 unless told, 0 for new ones only",
            schema: .integer),
        QueryParameter(
            name: "where",
            summary:
                "Only lines of JSON that say so, as level=error or http.status=500; given several times, all of it",
            schema: .array(.string)),
        QueryParameter(
            name: "grep", summary: "Only lines in which this regular expression is found (POSIX, without counts)",
            schema: .string),
    ]

    static func routes(_ system: InvokSystem, streamsPerUser: Int) -> [Route] {
        let logs = system.logs
        let places = StreamPlaces(limit: streamsPerUser)
        return [
            Route(
                method: .get, path: "/api/v1/functions/{namespace}/{name}/logs", summary: "Read a function's log",
                query: query, success: .json(.array(.reference("LogLine")), "The last lines, the oldest first"),
                problems: [.invalidRequest, .notFound],
                handler: .authenticated { request, context, principal in
                    let key = try context.functionKey()
                    let entries = try await logs.recent(
                        of: key, since: since(request), limit: limit(request), matching: filter(request),
                        as: principal)
                    return try .json(entries.map(LogMessage.init))
                }),
            Route(
                method: .get, path: "/invok/logs/{namespace}/{name}", summary: "Follow a function's log",
                query: query + [
                    QueryParameter(
                        name: "follow", summary: "Whether to wait for more; true unless told", schema: .boolean)
                ],
                success: AnswerDescription(
                    status: .ok, summary: "Events whose data is a LogLine and whose id is its cursor",
                    body: BodyDescription(mediaType: "text/event-stream", schema: .string)),
                problems: [.invalidRequest, .notFound, .tooManyRequests],
                handler: .authenticated { request, context, principal in
                    try await stream(request, context, principal, system, places)
                }),
        ]
    }

    private static func stream(
        _ request: Request, _ context: APIContext, _ principal: Principal, _ system: InvokSystem, _ places: StreamPlaces
    ) async throws -> Response {
        let logs = system.logs
        let key = try context.functionKey()
        let follows = try request.query("follow", expected: "'true' or 'false'") { Bool($0) } ?? true
        // What the client sends back is an id that it got; anything else is as good as none (WHATWG HTML §9.2.4).
        let last = request.headers[HTTPField.Name("Last-Event-ID")!].flatMap { UInt64($0) }.map(LogCursor.init)
        let (since, limit, filter) = (try since(request), try limit(request), try filter(request))
        let fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        guard follows else {
            let entries = try await logs.recent(
                of: key, since: since, limit: limit, matching: filter, as: principal)
            let unseen = entries.filter { entry in last.map { entry.cursor > $0 } ?? true }
            let text = try unseen.map(EventStream.event).joined()
            return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        let place = try places.enter(principal.user.id)
        let lines = try await logs.follow(
            key, since: since, after: last, limit: limit, matching: filter, as: principal)
        return Response(
            status: .ok, headers: fields,
            body: EventStream.body(
                of: lines, on: context.connection, clock: system.world.clock, place: place,
                mayGoOn: { await isAllowed(key, principal, system) }))
    }

    /// Whether the log-in is still good and its user may still read. While that cannot be told, what was, goes on; so it
    /// does when the token has expired, whose client may have another one by now.
    private static func isAllowed(_ key: FunctionKey, _ principal: Principal, _ system: InvokSystem) async -> Bool {
        do throws(InvokError) {
            let principal = try await system.accounts.stillMay(principal)
            _ = try await system.functions.function(key, as: principal)
            return true
        } catch {
            return ![.unauthenticated, .accountDisabled, .notFound, .forbidden].contains(error.code)
        }
    }

    private static func since(_ request: Request) throws(InvokError) -> Timestamp? {
        try request.query("since", expected: "a time like 2026-11-22T14:03:07Z") { Timestamp(rfc3339: $0) }
    }

    private static func filter(_ request: Request) throws(InvokError) -> LogFilter {
        var filter = LogFilter()
        let conditions = request.uri.queryParameters.getAll("where")
        guard conditions.count <= LogFilter.maximumConditions else {
            throw .invalidRequest("there are more than \(LogFilter.maximumConditions) conditions")
        }
        for text in conditions { filter.conditions.append(try LogCondition(text)) }
        if let text = request.uri.queryParameters["grep"] { filter.pattern = try TextPattern(String(text)) }
        return filter
    }

    private static func limit(_ request: Request) throws(InvokError) -> Int {
        try request.query("limit", expected: "a whole number from 0 to \(FunctionLogs.maximumLines)") { text in
            Int(text).flatMap { (0...FunctionLogs.maximumLines).contains($0) ? $0 : nil }
        } ?? 100
    }
}
