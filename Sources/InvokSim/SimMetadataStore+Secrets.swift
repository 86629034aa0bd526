public import Invok

extension SimMetadataStore {
    public func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        let key = secret.key
        try await transaction("putSecret", "\(key)") { (tables) throws(StoreError) in
            guard tables.users[key.namespace] != nil else { throw .notFound }
            try tables.hold(key.namespace, within: quota) { (tables) throws(StoreError) in
                tables.secrets[key] = secret
            }
            onSecret(key, secret)
        }
    }

    public func removeSecret(_ key: SecretKey) async throws(StoreError) {
        try await transaction("removeSecret", "\(key)") { (tables) throws(StoreError) in
            guard tables.secrets.removeValue(forKey: key) != nil else { throw .notFound }
            onSecret(key, nil)
        }
    }

    public func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await read("secrets", "\(namespace)") { tables in
            tables.secrets.values.filter { $0.key.namespace == namespace }.sorted { $0.key < $1.key }
        }
    }

    public func secrets(
        of key: FunctionKey, for purpose: SecretKey.Purpose
    ) async throws(StoreError) -> [StoredSecret] {
        try await read("secretsOfFunction", "\(key)") { tables in
            tables.secrets.values.filter { secret in
                secret.key.namespace == key.namespace && secret.key.purpose == purpose
                    && [nil, key.name].contains(secret.key.function)
            }.sorted { $0.key < $1.key }
        }
    }

    // MARK: Sealing

    public func storedSecrets(after key: SecretKey?, limit: Int) async throws(StoreError) -> [StoredSecret] {
        try await read("storedSecrets") { tables in
            let behind = tables.secrets.values.filter { secret in key.map { $0 < secret.key } ?? true }
            return Array(behind.sorted { $0.key < $1.key }.prefix(limit))
        }
    }

    public func replace(_ old: StoredSecret, by new: SealedValue) async throws(StoreError) -> Bool {
        try await transaction("replaceSecret", "\(old.key)") { (tables) throws(StoreError) in
            guard tables.secrets[old.key]?.value == old.value else { return false }
            tables.secrets[old.key]?.value = new
            return true
        }
    }
}
