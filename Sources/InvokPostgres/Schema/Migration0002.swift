extension Migration {
    /// Quotas of users, and what they are held against. Bundles of before count as nothing: only their files would know
    /// how large they are.
    static let quotas = Migration(
        number: 2, name: "quotas",
        sql: """
            CREATE TABLE quota (
                user_id uuid NOT NULL REFERENCES invok_user (id) ON DELETE CASCADE,
                name text COLLATE "C" NOT NULL,
                value bigint NOT NULL CHECK (value >= 0),
                PRIMARY KEY (user_id, name)
            );

            ALTER TABLE version ADD COLUMN artifact_bytes bigint NOT NULL DEFAULT 0;
            ALTER TABLE version ADD COLUMN bundle_bytes bigint NOT NULL DEFAULT 0;
            CREATE INDEX version_bundle ON version (bundle) WHERE bundle IS NOT NULL;
            """)
}
