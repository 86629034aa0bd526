extension Migration {
    /// Secrets, sealed, and how often a function's instances were replaced. A secret's function need not be there: it may be
    /// set before the first deploy, which needs it.
    static let secrets = Migration(
        number: 5, name: "secrets",
        sql: """
            CREATE TABLE secret (
                namespace uuid NOT NULL REFERENCES invok_user (id) ON DELETE CASCADE,
                function text COLLATE "C" NOT NULL, -- empty for all of the namespace
                purpose text COLLATE "C" NOT NULL CHECK (purpose IN ('run', 'build')),
                name text COLLATE "C" NOT NULL,
                value text NOT NULL,
                changed_at bigint NOT NULL,
                PRIMARY KEY (namespace, function, purpose, name)
            );

            ALTER TABLE function ADD COLUMN restarts integer NOT NULL DEFAULT 0;
            """)
}
