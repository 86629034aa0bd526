extension Migration {
    /// Users, grants, functions and their versions, and archives. Times are milliseconds since 1970, digests are in
    /// their canonical lower-case text; what is sorted by is compared by its bytes, as everywhere in Invok.
    static let initial = Migration(
        number: 1, name: "initial",
        sql: """
            CREATE TABLE invok_user (
                id uuid NOT NULL PRIMARY KEY,
                email text COLLATE "C" NOT NULL UNIQUE,
                password_hash text NOT NULL,
                role text NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
                is_disabled boolean NOT NULL,
                created_at bigint NOT NULL
            );

            CREATE TABLE namespace_grant (
                namespace uuid NOT NULL,
                user_id uuid NOT NULL REFERENCES invok_user (id) ON DELETE CASCADE,
                role text NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
                PRIMARY KEY (namespace, user_id)
            );
            CREATE INDEX namespace_grant_user ON namespace_grant (user_id);

            CREATE TABLE function (
                namespace uuid NOT NULL REFERENCES invok_user (id),
                name text COLLATE "C" NOT NULL,
                access text NOT NULL CHECK (access IN ('private', 'public')),
                active_version integer,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (namespace, name)
            );

            -- Outlives its function, so that no number is ever used twice.
            CREATE TABLE version_counter (
                namespace uuid NOT NULL,
                name text COLLATE "C" NOT NULL,
                last_number integer NOT NULL,
                PRIMARY KEY (namespace, name)
            );

            -- created_by is history, so it refers to nobody.
            CREATE TABLE version (
                namespace uuid NOT NULL,
                name text COLLATE "C" NOT NULL,
                number integer NOT NULL CHECK (number > 0),
                artifact text COLLATE "C" NOT NULL,
                settings text NOT NULL,
                state text NOT NULL CHECK (state IN ('building', 'ready', 'failed')),
                bundle text COLLATE "C" CHECK ((bundle IS NOT NULL) = (state = 'ready')),
                reason text CHECK ((reason IS NOT NULL) = (state = 'failed')),
                build_log text NOT NULL,
                created_by uuid NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (namespace, name, number),
                FOREIGN KEY (namespace, name) REFERENCES function (namespace, name) ON DELETE CASCADE
            );
            CREATE INDEX version_artifact ON version (artifact);
            CREATE INDEX version_building ON version (namespace, name, number) WHERE state = 'building';

            -- The active version is always one of the function's own.
            ALTER TABLE function ADD CONSTRAINT function_active_version
                FOREIGN KEY (namespace, name, active_version) REFERENCES version (namespace, name, number)
                DEFERRABLE INITIALLY DEFERRED;

            CREATE FUNCTION version_ready_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE integrity_constraint_violation USING MESSAGE = 'a ready version never changes';
                END
            $$;
            CREATE TRIGGER version_ready_is_final BEFORE UPDATE ON version FOR EACH ROW
                WHEN (OLD.state = 'ready') EXECUTE FUNCTION version_ready_is_final();

            -- Uploaded archives. They are compressed already.
            CREATE TABLE artifact (
                digest text COLLATE "C" NOT NULL PRIMARY KEY,
                content bytea NOT NULL,
                stored_at timestamptz NOT NULL DEFAULT now()
            );
            ALTER TABLE artifact ALTER COLUMN content SET STORAGE EXTERNAL;

            -- What the health check writes to.
            CREATE TABLE health_check (id integer PRIMARY KEY CHECK (id = 1), checks bigint NOT NULL);
            INSERT INTO health_check (id, checks) VALUES (1, 0);
            """)
}
