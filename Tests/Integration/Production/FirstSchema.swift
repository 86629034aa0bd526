// swift-format-ignore-file
/// A database that the Invok of the first schema wrote, as `pg_dump --inserts` shows it: a user, and a function that was
/// deployed twice. It never changes.
enum FirstSchema {
    static let namespace = "0fc00675-f7e3-4667-9ced-4b1df051f573"

    static let dump = #"""
        CREATE FUNCTION version_ready_is_final() RETURNS trigger
            LANGUAGE plpgsql
            AS $$
            BEGIN
                RAISE integrity_constraint_violation USING MESSAGE = 'a ready version never changes';
            END
        $$;
        CREATE TABLE artifact (
            digest text NOT NULL COLLATE pg_catalog."C",
            content bytea NOT NULL,
            stored_at timestamp with time zone DEFAULT now() NOT NULL
        );
        ALTER TABLE ONLY artifact ALTER COLUMN content SET STORAGE EXTERNAL;
        CREATE TABLE function (
            namespace uuid NOT NULL,
            name text NOT NULL COLLATE pg_catalog."C",
            access text NOT NULL,
            active_version integer,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            CONSTRAINT function_access_check CHECK ((access = ANY (ARRAY['private'::text, 'public'::text])))
        );
        CREATE TABLE health_check (
            id integer NOT NULL,
            checks bigint NOT NULL,
            CONSTRAINT health_check_id_check CHECK ((id = 1))
        );
        CREATE TABLE invok_migration (
            number integer NOT NULL,
            name text NOT NULL,
            digest text NOT NULL,
            applied_at timestamp with time zone DEFAULT now() NOT NULL
        );
        CREATE TABLE invok_user (
            id uuid NOT NULL,
            email text NOT NULL COLLATE pg_catalog."C",
            password_hash text NOT NULL,
            role text NOT NULL,
            is_disabled boolean NOT NULL,
            created_at bigint NOT NULL,
            CONSTRAINT invok_user_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'developer'::text, 'viewer'::text])))
        );
        CREATE TABLE namespace_grant (
            namespace uuid NOT NULL,
            user_id uuid NOT NULL,
            role text NOT NULL,
            CONSTRAINT namespace_grant_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'developer'::text, 'viewer'::text])))
        );
        CREATE TABLE version (
            namespace uuid NOT NULL,
            name text NOT NULL COLLATE pg_catalog."C",
            number integer NOT NULL,
            artifact text NOT NULL COLLATE pg_catalog."C",
            settings text NOT NULL,
            state text NOT NULL,
            bundle text COLLATE pg_catalog."C",
            reason text,
            build_log text NOT NULL,
            created_by uuid NOT NULL,
            created_at bigint NOT NULL,
            CONSTRAINT version_check CHECK (((bundle IS NOT NULL) = (state = 'ready'::text))),
            CONSTRAINT version_check1 CHECK (((reason IS NOT NULL) = (state = 'failed'::text))),
            CONSTRAINT version_number_check CHECK ((number > 0)),
            CONSTRAINT version_state_check CHECK ((state = ANY (ARRAY['building'::text, 'ready'::text, 'failed'::text])))
        );
        CREATE TABLE version_counter (
            namespace uuid NOT NULL,
            name text NOT NULL COLLATE pg_catalog."C",
            last_number integer NOT NULL
        );
        INSERT INTO artifact VALUES ('3c6a60978ac61711bdbc54a2cb1b56b943da51104e72cfbcc019289c8bd6c486', '\x504b030414000008000000002100094b275443000000430000000b000000636f6e6669672e6a736f6e7b0a20202266756e6374696f6e5f6e616d65223a202268656c6c6f222c0a20202272756e74696d65223a2022707974686f6e222c0a202022656e76223a207b7d0a7d0a504b030414000008000000002100e3bc300580000000800000000b00000066756e6374696f6e2e70796465662068616e646c65722872657175657374293a0a20202020222222416e7377657273206576657279207265717565737420666f72202f68656c6c6f20616e64207468652070617468732062656c6f772069742e2222220a2020202072657475726e202248656c6c6f2066726f6d2068656c6c6f215c6e220a232074776f0a504b03041400000800000000210028bc25b24c0000004c00000010000000726571756972656d656e74732e74787423205061636b6167657320676f20696e746f2076656e646f722f3a2070697020696e7374616c6c202d2d7461726765742076656e646f72202d7220726571756972656d656e74732e7478740a504b0102140314000008000000002100094b275443000000430000000b0000000000000000000000a48100000000636f6e6669672e6a736f6e504b0102140314000008000000002100e3bc300580000000800000000b0000000000000000000000a4816c00000066756e6374696f6e2e7079504b010214031400000800000000210028bc25b24c0000004c000000100000000000000000000000a48115010000726571756972656d656e74732e747874504b05060000000003000300b00000008f0100000000', '2026-11-22 18:00:00+00');
        INSERT INTO artifact VALUES ('ca551e10672c8500ba779253ee3e5632f67fad0b400fb4fbaddc5e44d5a37eb6', '\x504b030414000008000000002100094b275443000000430000000b000000636f6e6669672e6a736f6e7b0a20202266756e6374696f6e5f6e616d65223a202268656c6c6f222c0a20202272756e74696d65223a2022707974686f6e222c0a202022656e76223a207b7d0a7d0a504b03041400000800000000210089b2b9407a0000007a0000000b00000066756e6374696f6e2e70796465662068616e646c65722872657175657374293a0a20202020222222416e7377657273206576657279207265717565737420666f72202f68656c6c6f20616e64207468652070617468732062656c6f772069742e2222220a2020202072657475726e202248656c6c6f2066726f6d2068656c6c6f215c6e220a504b03041400000800000000210028bc25b24c0000004c00000010000000726571756972656d656e74732e74787423205061636b6167657320676f20696e746f2076656e646f722f3a2070697020696e7374616c6c202d2d7461726765742076656e646f72202d7220726571756972656d656e74732e7478740a504b0102140314000008000000002100094b275443000000430000000b0000000000000000000000a48100000000636f6e6669672e6a736f6e504b010214031400000800000000210089b2b9407a0000007a0000000b0000000000000000000000a4816c00000066756e6374696f6e2e7079504b010214031400000800000000210028bc25b24c0000004c000000100000000000000000000000a4810f010000726571756972656d656e74732e747874504b05060000000003000300b0000000890100000000', '2026-11-22 18:00:00+00');
        INSERT INTO function VALUES ('0fc00675-f7e3-4667-9ced-4b1df051f573', 'hello', 'private', 2, 1795373884659, 1795373885555);
        INSERT INTO health_check VALUES (1, 0);
        INSERT INTO invok_migration VALUES (1, 'initial', '3d2e90a516a180af15864393c83f4aa66b20d51c17d642a5fee26d5f9904c09d', '2026-11-22 18:58:47.985398+00');
        INSERT INTO invok_user VALUES ('0fc00675-f7e3-4667-9ced-4b1df051f573', 'ann@example.com', '$scrypt$ln=14,r=8,p=1$kYB4+zs6PmqRtjFlkNQQ2g$7DAd/dy+GAxYAAYwH/93TJ+AjFc22xXrAbYYNHBK07A', 'admin', false, 1795373884251);
        INSERT INTO version VALUES ('0fc00675-f7e3-4667-9ced-4b1df051f573', 'hello', 1, 'ca551e10672c8500ba779253ee3e5632f67fad0b400fb4fbaddc5e44d5a37eb6', '{"environment":{},"limits":{"concurrency":16,"cpus":1,"idleSeconds":300,"maxInstances":4,"memoryMB":128,"minInstances":0,"timeoutSeconds":30},"runtime":"python"}', 'ready', '84950947f435812b67bce8038075050b5d504d3870b4ee42cfab54ac66068fae', NULL, '', '0fc00675-f7e3-4667-9ced-4b1df051f573', 1795373884659);
        INSERT INTO version VALUES ('0fc00675-f7e3-4667-9ced-4b1df051f573', 'hello', 2, '3c6a60978ac61711bdbc54a2cb1b56b943da51104e72cfbcc019289c8bd6c486', '{"environment":{},"limits":{"concurrency":16,"cpus":1,"idleSeconds":300,"maxInstances":4,"memoryMB":128,"minInstances":0,"timeoutSeconds":30},"runtime":"python"}', 'ready', '72493c1fcc36a8d4b0d727a3bbfcb3b1e43956dce426cecbfc4c27d3babbfdf7', NULL, '', '0fc00675-f7e3-4667-9ced-4b1df051f573', 1795373885239);
        INSERT INTO version_counter VALUES ('0fc00675-f7e3-4667-9ced-4b1df051f573', 'hello', 2);
        ALTER TABLE ONLY artifact
            ADD CONSTRAINT artifact_pkey PRIMARY KEY (digest);
        ALTER TABLE ONLY function
            ADD CONSTRAINT function_pkey PRIMARY KEY (namespace, name);
        ALTER TABLE ONLY health_check
            ADD CONSTRAINT health_check_pkey PRIMARY KEY (id);
        ALTER TABLE ONLY invok_migration
            ADD CONSTRAINT invok_migration_pkey PRIMARY KEY (number);
        ALTER TABLE ONLY invok_user
            ADD CONSTRAINT invok_user_email_key UNIQUE (email);
        ALTER TABLE ONLY invok_user
            ADD CONSTRAINT invok_user_pkey PRIMARY KEY (id);
        ALTER TABLE ONLY namespace_grant
            ADD CONSTRAINT namespace_grant_pkey PRIMARY KEY (namespace, user_id);
        ALTER TABLE ONLY version_counter
            ADD CONSTRAINT version_counter_pkey PRIMARY KEY (namespace, name);
        ALTER TABLE ONLY version
            ADD CONSTRAINT version_pkey PRIMARY KEY (namespace, name, number);
        CREATE INDEX namespace_grant_user ON namespace_grant USING btree (user_id);
        CREATE INDEX version_artifact ON version USING btree (artifact);
        CREATE INDEX version_building ON version USING btree (namespace, name, number) WHERE (state = 'building'::text);
        CREATE TRIGGER version_ready_is_final BEFORE UPDATE ON version FOR EACH ROW WHEN ((old.state = 'ready'::text)) EXECUTE FUNCTION version_ready_is_final();
        ALTER TABLE ONLY function
            ADD CONSTRAINT function_active_version FOREIGN KEY (namespace, name, active_version) REFERENCES version(namespace, name, number) DEFERRABLE INITIALLY DEFERRED;
        ALTER TABLE ONLY function
            ADD CONSTRAINT function_namespace_fkey FOREIGN KEY (namespace) REFERENCES invok_user(id);
        ALTER TABLE ONLY namespace_grant
            ADD CONSTRAINT namespace_grant_user_id_fkey FOREIGN KEY (user_id) REFERENCES invok_user(id) ON DELETE CASCADE;
        ALTER TABLE ONLY version
            ADD CONSTRAINT version_namespace_name_fkey FOREIGN KEY (namespace, name) REFERENCES function(namespace, name) ON DELETE CASCADE;
        """#
}
