extension Migration {
    /// Invitations, sessions, and what of tokens was taken back.
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

            CREATE TABLE login_session (
                id uuid NOT NULL PRIMARY KEY,
                user_id uuid NOT NULL REFERENCES invok_user (id) ON DELETE CASCADE,
                client text NOT NULL,
                address text NOT NULL,
                created_at bigint NOT NULL,
                used_at bigint NOT NULL,
                expires_at bigint NOT NULL,
                generation integer NOT NULL,
                renewed_at bigint NOT NULL
            );
            CREATE INDEX login_session_user ON login_session (user_id, created_at);
            CREATE INDEX login_session_expiry ON login_session (expires_at);

            -- Whoever adds a row takes its number here, and so waits for those before.
            CREATE TABLE revocation_epoch (id integer PRIMARY KEY CHECK (id = 1), epoch bigint NOT NULL);
            INSERT INTO revocation_epoch (id, epoch) VALUES (1, 0);
            CREATE TABLE revocation (
                epoch bigint NOT NULL PRIMARY KEY,
                user_id uuid NOT NULL,
                session uuid,
                logins_before bigint,
                until bigint NOT NULL,
                created_at bigint NOT NULL,
                CHECK ((session IS NULL) <> (logins_before IS NULL))
            );
            CREATE INDEX revocation_user ON revocation (user_id);
            CREATE INDEX revocation_expiry ON revocation (until);
            """)
}
