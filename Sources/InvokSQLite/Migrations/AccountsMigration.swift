extension Migration {
    /// Invitations.
    static let accounts = Migration(
        number: 5, name: "accounts",
        sql: """
            CREATE TABLE invitation (
                id TEXT NOT NULL PRIMARY KEY,
                code TEXT NOT NULL UNIQUE,
                role TEXT NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
                created_by TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            """)
}
