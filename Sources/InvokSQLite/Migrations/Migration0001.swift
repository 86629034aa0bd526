extension Migration {
    /// Users, grants, functions and their versions. Times are milliseconds since 1970, identifiers and digests are in
    /// their canonical lower-case text.
    static let initial = Migration(
        number: 1, name: "initial",
        sql: """
            CREATE TABLE user (
                id TEXT NOT NULL PRIMARY KEY,
                email TEXT NOT NULL UNIQUE,
                password_hash TEXT NOT NULL,
                role TEXT NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
                is_disabled INTEGER NOT NULL CHECK (is_disabled IN (0, 1)),
                created_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE namespace_grant (
                namespace TEXT NOT NULL,
                user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
                role TEXT NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
                PRIMARY KEY (namespace, user)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX namespace_grant_user ON namespace_grant (user);

            -- The active version is always one of the function's own.
            CREATE TABLE function (
                namespace TEXT NOT NULL REFERENCES user (id),
                name TEXT NOT NULL,
                access TEXT NOT NULL CHECK (access IN ('private', 'public')),
                active_version INTEGER,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                PRIMARY KEY (namespace, name),
                FOREIGN KEY (namespace, name, active_version) REFERENCES version (namespace, name, number)
                    DEFERRABLE INITIALLY DEFERRED
            ) STRICT, WITHOUT ROWID;

            -- Outlives its function, so that no number is ever used twice.
            CREATE TABLE version_counter (
                namespace TEXT NOT NULL,
                name TEXT NOT NULL,
                last_number INTEGER NOT NULL,
                PRIMARY KEY (namespace, name)
            ) STRICT, WITHOUT ROWID;

            -- created_by is history, so it refers to nobody.
            CREATE TABLE version (
                namespace TEXT NOT NULL,
                name TEXT NOT NULL,
                number INTEGER NOT NULL CHECK (number > 0),
                artifact TEXT NOT NULL,
                settings TEXT NOT NULL CHECK (json_valid(settings)),
                state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'failed')),
                bundle TEXT CHECK ((bundle IS NOT NULL) = (state = 'ready')),
                reason TEXT CHECK ((reason IS NOT NULL) = (state = 'failed')),
                build_log TEXT NOT NULL,
                created_by TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                PRIMARY KEY (namespace, name, number),
                FOREIGN KEY (namespace, name) REFERENCES function (namespace, name) ON DELETE CASCADE
            ) STRICT;
            CREATE INDEX version_building ON version (state) WHERE state = 'building';

            CREATE TRIGGER version_ready_is_final BEFORE UPDATE ON version WHEN OLD.state = 'ready'
            BEGIN SELECT RAISE(ABORT, 'a ready version never changes'); END;

            -- What the health check writes to.
            CREATE TABLE health_check (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
            INSERT INTO health_check (id, count) VALUES (1, 0);
            """)
}
