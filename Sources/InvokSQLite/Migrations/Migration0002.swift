extension Migration {
    /// Quotas of users, and what they are held against. Versions of before count as nothing: only their archives and
    /// bundles would know how large they are.
    static let quotas = Migration(
        number: 2, name: "quotas",
        sql: """
            CREATE TABLE quota (
                user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                value INTEGER NOT NULL CHECK (value >= 0),
                PRIMARY KEY (user, name)
            ) STRICT, WITHOUT ROWID;

            ALTER TABLE version ADD COLUMN artifact_bytes INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE version ADD COLUMN bundle_bytes INTEGER NOT NULL DEFAULT 0;
            CREATE INDEX version_artifact ON version (artifact);
            CREATE INDEX version_bundle ON version (bundle) WHERE bundle IS NOT NULL;
            """)
}
