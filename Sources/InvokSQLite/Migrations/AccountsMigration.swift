extension Migration {
    /// Invitations, sessions, and what of tokens was taken back.
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

            CREATE TABLE login_session (
                id TEXT NOT NULL PRIMARY KEY,
                user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
                client TEXT NOT NULL,
                address TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                used_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                generation INTEGER NOT NULL,
                renewed_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX login_session_user ON login_session (user, created_at);
            CREATE INDEX login_session_expiry ON login_session (expires_at);

            -- Numbers are not used again, so that a core knows by the last one that it has read.
            CREATE TABLE revocation (
                epoch INTEGER PRIMARY KEY AUTOINCREMENT,
                user TEXT NOT NULL,
                session TEXT,
                logins_before INTEGER,
                until INTEGER NOT NULL,
                created_at INTEGER NOT NULL,
                CHECK ((session IS NULL) <> (logins_before IS NULL))
            ) STRICT;
            CREATE INDEX revocation_user ON revocation (user);
            CREATE INDEX revocation_expiry ON revocation (until);
            """)
}
