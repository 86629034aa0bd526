extension Migration {
    /// Invitations.
    static let accounts = Migration(
        number: 6, name: "accounts",
        sql: """
            CREATE TABLE invitation (
                id uuid NOT NULL PRIMARY KEY,
                code text COLLATE "C" NOT NULL UNIQUE,
                role text NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
                created_by uuid NOT NULL,
                created_at bigint NOT NULL,
                expires_at bigint NOT NULL
            );
            """)
}
