extension Migration {
    /// Archives in parts of 1 MiB, numbered from 0, so that nobody needs a whole one in memory. The old table goes with
    /// its room on the disk; a part of what it holds is read at a time.
    static let artifactParts = Migration(
        number: 4, name: "artifact parts",
        sql: """
            ALTER TABLE artifact RENAME TO artifact_whole;
            ALTER INDEX artifact_pkey RENAME TO artifact_whole_pkey;

            CREATE TABLE artifact (
                digest text COLLATE "C" NOT NULL PRIMARY KEY,
                size bigint NOT NULL CHECK (size >= 0),
                stored_at timestamptz NOT NULL DEFAULT now()
            );
            CREATE TABLE artifact_part (
                digest text COLLATE "C" NOT NULL REFERENCES artifact (digest) ON DELETE CASCADE,
                number integer NOT NULL CHECK (number >= 0),
                content bytea NOT NULL,
                PRIMARY KEY (digest, number)
            );
            -- They are compressed already.
            ALTER TABLE artifact_part ALTER COLUMN content SET STORAGE EXTERNAL;

            INSERT INTO artifact (digest, size, stored_at)
                SELECT digest, octet_length(content), stored_at FROM artifact_whole;
            INSERT INTO artifact_part (digest, number, content)
                SELECT digest, number, substring(content FROM number * 1048576 + 1 FOR 1048576)
                FROM artifact_whole, generate_series(0, (octet_length(content) - 1) / 1048576) AS number
                WHERE octet_length(content) > 0;
            DROP TABLE artifact_whole;
            """)
}
