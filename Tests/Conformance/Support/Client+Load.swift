import TestSupport

extension Client {
    /// Calls a function from so many clients at once while the body runs.
    /// - Returns: how often each answer came; another status than 200 is one of them.
    func callsFrom(
        _ clients: Int, to name: String, _ body: @Sendable () async throws -> Void
    ) async throws -> [String: Int] {
        let isOver = Flag()
        return try await withThrowingTaskGroup(of: [String: Int].self) { group in
            for _ in 1...clients {
                group.addTask {
                    var answers: [String: Int] = [:]
                    while !isOver.isSet {
                        let answer = try await get(path(name))
                        answers[answer.status == 200 ? answer.text : "\(answer.status) \(answer.text)", default: 0] += 1
                    }
                    return answers
                }
            }
            try await body()
            isOver.set()
            return try await group.reduce(into: [:]) { sum, answers in sum.merge(answers, uniquingKeysWith: +) }
        }
    }
}
