import Invok
import Testing

@testable import InvokPostgres

@Suite struct PostgresTargetTests {
    @Test(arguments: [
        ("postgres://me:secret@db.example:5433/invok?sslmode=require", "db.example:5433/invok", "invok"),
        ("postgresql://me@db.example/invok", "db.example/invok", "invok"),
        ("postgres://me@/invok?host=/run/postgresql", "/run/postgresql/invok", "invok"),
        ("postgres://me@[::1]:5/x%20y", "::1:5/x y", "x y"),
    ])
    func saysWhereWithoutSecrets(_ url: String, _ description: String, _ database: String) throws {
        let target = try PostgresTarget(url: url)
        #expect(target.description == description)
        #expect(target.database == database)
        #expect(target.url == url)
    }

    @Test(arguments: ["", "mysql://h/d", "host=h dbname=d", "postgres://u:pa ss@h:x/d?nonsense=1", "postgres://h/d\0"])
    func refusesWhatIsNoURLWithoutQuotingIt(_ url: String) {
        let error = #expect(throws: InvokError.self) { try PostgresTarget(url: url) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.message == "DATABASE_URL is not the URL of a PostgreSQL database")
        #expect(error?.inner == nil)
    }

    @Test func takesItsConnectTimeoutFromTheURL() throws {
        #expect(try PostgresTarget(url: "postgres://h/d").connectTimeout == .seconds(5))
        #expect(try PostgresTarget(url: "postgres://h/d?connect_timeout=9").connectTimeout == .seconds(9))
        #expect(try PostgresTarget(url: "postgres://h/d?connect_timeout=1").connectTimeout == .seconds(2))
    }
}
