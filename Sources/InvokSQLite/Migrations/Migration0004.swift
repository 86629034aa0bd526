extension Migration {
    /// Secrets, sealed, and how often a function's instances were replaced. A secret's function need not be there: it may be
    /// set before the first deploy, which needs it.
    static let secrets = Migration(
        number: 4, name: "secrets",
        sql: """
            CREATE TABLE secret (
                namespace TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
                function TEXT NOT NULL, -- empty for all of the namespace
                purpose TEXT NOT NULL CHECK (purpose IN ('run', 'build')),
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                changed_at INTEGER NOT NULL,
                PRIMARY KEY (namespace, function, purpose, name)
            ) STRICT, WITHOUT ROWID;

            ALTER TABLE function ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
            """)
}
