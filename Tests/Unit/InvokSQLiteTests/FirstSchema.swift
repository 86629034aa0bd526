// swift-format-ignore-file
/// A store that the Invok of the first schema wrote, as `sqlite3 .dump` shows it: a user, and a function that was
/// deployed twice. It never changes.
enum FirstSchema {
    static let namespace = "0fc00675-f7e3-4667-9ced-4b1df051f573"

    static let dump = #"""
        PRAGMA foreign_keys = OFF;
        BEGIN;
        PRAGMA application_id = 1231976043;
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
        INSERT INTO "function" VALUES('0fc00675-f7e3-4667-9ced-4b1df051f573','hello','private',2,1795373884659,1795373885555);
        CREATE TABLE health_check (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
        INSERT INTO "health_check" VALUES(1,0);
        CREATE TABLE migration (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL
        ) STRICT;
        INSERT INTO "migration" VALUES(1,'initial','38fece3049e4446c14b81dadf093e8edd6f29d07b34e04a9d0a8a9a706f8032e');
        CREATE TABLE namespace_grant (
            namespace TEXT NOT NULL,
            user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
            role TEXT NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
            PRIMARY KEY (namespace, user)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE user (
            id TEXT NOT NULL PRIMARY KEY,
            email TEXT NOT NULL UNIQUE,
            password_hash TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
            is_disabled INTEGER NOT NULL CHECK (is_disabled IN (0, 1)),
            created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO "user" VALUES('0fc00675-f7e3-4667-9ced-4b1df051f573','ann@example.com','$scrypt$ln=14,r=8,p=1$kYB4+zs6PmqRtjFlkNQQ2g$7DAd/dy+GAxYAAYwH/93TJ+AjFc22xXrAbYYNHBK07A','admin',0,1795373884251);
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
        INSERT INTO "version" VALUES('0fc00675-f7e3-4667-9ced-4b1df051f573','hello',1,'ca551e10672c8500ba779253ee3e5632f67fad0b400fb4fbaddc5e44d5a37eb6','{"environment":{},"limits":{"concurrency":16,"cpus":1,"idleSeconds":300,"maxInstances":4,"memoryMB":128,"minInstances":0,"timeoutSeconds":30},"runtime":"python"}','ready','84950947f435812b67bce8038075050b5d504d3870b4ee42cfab54ac66068fae',NULL,'','0fc00675-f7e3-4667-9ced-4b1df051f573',1795373884659);
        INSERT INTO "version" VALUES('0fc00675-f7e3-4667-9ced-4b1df051f573','hello',2,'3c6a60978ac61711bdbc54a2cb1b56b943da51104e72cfbcc019289c8bd6c486','{"environment":{},"limits":{"concurrency":16,"cpus":1,"idleSeconds":300,"maxInstances":4,"memoryMB":128,"minInstances":0,"timeoutSeconds":30},"runtime":"python"}','ready','72493c1fcc36a8d4b0d727a3bbfcb3b1e43956dce426cecbfc4c27d3babbfdf7',NULL,'','0fc00675-f7e3-4667-9ced-4b1df051f573',1795373885239);
        CREATE TABLE version_counter (
            namespace TEXT NOT NULL,
            name TEXT NOT NULL,
            last_number INTEGER NOT NULL,
            PRIMARY KEY (namespace, name)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO "version_counter" VALUES('0fc00675-f7e3-4667-9ced-4b1df051f573','hello',2);
        CREATE INDEX namespace_grant_user ON namespace_grant (user);
        CREATE INDEX version_building ON version (state) WHERE state = 'building';
        CREATE TRIGGER version_ready_is_final BEFORE UPDATE ON version WHEN OLD.state = 'ready'
        BEGIN SELECT RAISE(ABORT, 'a ready version never changes'); END;
        COMMIT;
        """#
}
