import Invok

/// How one run of a piece of work ended.
enum Attempt<Value: Sendable>: Sendable {
    case ended(Result<Value, any Error>)
    /// Nothing of it happened; it may be run again from its start.
    case again(any Error)
}

extension PostgresConnection {
    /// Runs statements that only read, or a single one that changes nothing when repeated.
    func read<Value: Sendable>(_ body: (PostgresConnection) throws -> Value) -> Attempt<Value> {
        do {
            return .ended(.success(try body(self)))
        } catch {
            return Self.outcome(of: error)
        }
    }

    /// Runs statements as one transaction.
    ///
    /// Its isolation is READ COMMITTED, whatever the server's default: who decides by a row locks it first.
    func transaction<Value: Sendable>(_ body: (PostgresConnection) throws -> Value) -> Attempt<Value> {
        let value: Value
        do {
            try run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            value = try body(self)
        } catch {
            // A session in which that fails is not used again.
            if isUsable { _ = try? run("ROLLBACK") }
            return Self.outcome(of: error)
        }
        do throws(PostgresError) {
            guard try run("COMMIT").tag == "COMMIT" else {
                return .ended(.failure(PostgresError.unusable("the transaction was not committed")))
            }
            return .ended(.success(value))
        } catch .lost(let reason) {
            // Only here nobody can know.
            return .ended(.failure(PostgresError.lost("\(reason); the change may or may not have been made")))
        } catch {
            return Self.outcome(of: error)
        }
    }

    private static func outcome<Value: Sendable>(of error: any Error) -> Attempt<Value> {
        if let error = error as? PostgresError, error.mayBeRunAgain { return .again(error) }
        return .ended(.failure(error))
    }
}

extension ConnectionPool {
    /// How often work is run that certainly did not happen before: a server that was restarted takes two, one that
    /// finds a deadlock lets one of the two through each time.
    static let maximumAttempts = 5

    /// Runs statements that only read.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async -> Result<Value, any Error> {
        await attempts { $0.read(body) }
    }

    /// Runs statements as one transaction, which happens whole, or not at all, or says that it may have.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async -> Result<Value, any Error> {
        await attempts { $0.transaction(body) }
    }

    private func attempts<Value: Sendable>(
        _ attempt: @escaping @Sendable (PostgresConnection) -> Attempt<Value>
    ) async -> Result<Value, any Error> {
        var last: any Error = PostgresError.closed
        for _ in 0..<Self.maximumAttempts {
            do throws(PostgresError) {
                switch try await run(attempt) {
                case .ended(let result): return result
                case .again(let error): last = error
                }
            } catch {
                return .failure(error)
            }
        }
        return .failure(last)
    }
}
