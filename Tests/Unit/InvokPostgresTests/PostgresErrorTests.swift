import Invok
import Testing

@testable import InvokPostgres

@Suite struct PostgresErrorTests {
    @Test func readsTheServersStateFromAFailedConnection() {
        let text = """
            connection to server at "127.0.0.1", port 5432 failed: FATAL:  28P01: password authentication failed for \
            user "invok" LOCATION:  auth_failed, auth.c:338
            """
        #expect(
            ConnectMessage(text).error
                == .notConnected(.invalidPassword, #"password authentication failed for user "invok""#))
    }

    @Test func keepsTheMessageOfAFailureWithoutState() {
        let text = "connection to server at \"h\" (1.2.3.4), port 5432 failed: Connection refused Is it running?"
        #expect(ConnectMessage(text).error == .notConnected(nil, text))
        #expect(ConnectMessage("").error == .notConnected(nil, ""))
    }

    @Test(arguments: ["40001", "40P01", "57P01", "08006", "26000", "25006"])
    func runsAgainWhatCertainlyDidNotHappen(_ code: String) {
        #expect(PostgresError.refused(SQLState(code), "").mayBeRunAgain)
    }

    @Test(arguments: ["23505", "57014", "42P01", "53100"])
    func doesNotRunAgainWhatWouldFailAgain(_ code: String) {
        #expect(!PostgresError.refused(SQLState(code), "").mayBeRunAgain)
    }

    @Test func meansToTheCallerWhatThePortSays() {
        #expect(StoreError(PostgresError.refused(SQLState("53100"), "no space")) == .full)
        #expect(StoreError(PostgresError.refused(SQLState("23505"), "taken")) == .conflict("taken"))
        #expect(StoreError(StoreError.notFound) == .notFound)
        #expect(StoreError(PostgresError.lost("x")) == .unavailable("PostgreSQL went away: x"))
        #expect(ArtifactError(PostgresError.refused(SQLState("53100"), "no space")) == .full)
        #expect(ArtifactError(PostgresError.busy) == .unavailable("too many wait for PostgreSQL"))
    }
}
