extension Migration {
    /// The installation's name, and how far its secrets are sealed. What is sealed later, and an archive without its
    /// secrets, may take the place of what a ready version has; nothing else of it ever changes.
    static let sealing = Migration(
        number: 3, name: "sealing",
        sql: """
            CREATE TABLE installation (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                name TEXT NOT NULL,
                sealing_key TEXT,
                next_sealing_key TEXT,
                is_sealed INTEGER NOT NULL CHECK (is_sealed IN (0, 1))
            ) STRICT;
            INSERT INTO installation (id, name, is_sealed) VALUES (1, lower(hex(randomblob(8))), 0);

            DROP TRIGGER version_ready_is_final;
            CREATE TRIGGER version_ready_is_final
            BEFORE UPDATE OF namespace, name, number, state, bundle, reason, build_log, created_by, created_at ON version
            WHEN OLD.state = 'ready'
            BEGIN SELECT RAISE(ABORT, 'a ready version never changes'); END;
            """)
}
