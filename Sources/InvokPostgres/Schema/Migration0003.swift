extension Migration {
    /// The installation's name, and how far its secrets are sealed. What is sealed later, and an archive without its
    /// secrets, may take the place of what a ready version has; nothing else of it ever changes.
    static let sealing = Migration(
        number: 3, name: "sealing",
        sql: """
            CREATE TABLE installation (
                id integer PRIMARY KEY CHECK (id = 1),
                name text COLLATE "C" NOT NULL,
                sealing_key text,
                next_sealing_key text,
                is_sealed boolean NOT NULL
            );
            INSERT INTO installation (id, name, is_sealed)
                VALUES (1, substr(md5(random()::text || clock_timestamp()::text), 1, 16), false);

            DROP TRIGGER version_ready_is_final ON version;
            CREATE TRIGGER version_ready_is_final
                BEFORE UPDATE OF namespace, name, number, state, bundle, reason, build_log, created_by, created_at
                ON version FOR EACH ROW WHEN (OLD.state = 'ready') EXECUTE FUNCTION version_ready_is_final();
            """)
}
