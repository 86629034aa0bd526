import HTTPTypes
import Hummingbird
import Invok

/// What was counted of functions' calls.
enum StatsRoutes {
    static func routes(_ system: InvokSystem) -> [Route] {
        let statistics = system.statistics
        return [
            Route(
                method: .get, path: "/api/v1/functions/{namespace}/{name}/stats",
                summary: "Read how a function was called on this server, since it started and for a day at most",
                query: [
                    QueryParameter(
                        name: "since", summary: "From the minute of that time (RFC 3339); an hour ago unless told",
                        schema: .dateTime),
                    QueryParameter(
                        name: "points",
                        summary: "In how many parts of the time at most; \(Statistics.standardPoints) unless told",
                        schema: .integer),
                ],
                success: .json(.reference("Stats"), "Calls, errors, quantiles of their durations, cold starts"),
                problems: [.invalidRequest, .notFound],
                handler: .authenticated { request, context, principal in
                    let key = try context.functionKey()
                    let since = try request.query("since", expected: "a time like 2026-11-22T14:03:07Z") {
                        Timestamp(rfc3339: $0)
                    }
                    let points = try request.query(
                        "points", expected: "a whole number from 1 to \(Statistics.maximumPoints)"
                    ) { text in
                        Int(text).flatMap { (1...Statistics.maximumPoints).contains($0) ? $0 : nil }
                    }
                    return try .json(
                        try await statistics.statistics(
                            of: key, since: since, points: points ?? Statistics.standardPoints, as: principal))
                })
        ]
    }
}
