import Invok
import InvokSim

// What becomes of secrets.
extension SimChecker {
    /// How long a start may take from the reading of its secrets: what was replaced before, no instance may begin with.
    static let secretAge = Duration.seconds(60)

    /// A secret that is stored opens for what it belongs to, and does not lie open.
    func onSecret(_ key: SecretKey, _ secret: StoredSecret?) {
        guard let secret else { return note(key, nil) }
        guard let value = sealer.open(secret.value, of: key) else {
            return violation("the secret \(key) cannot be opened")
        }
        require(!secret.value.hasOpen(value), "the secret \(key) lies open in the store")
        note(key, value.text)
        mark("secret set")
    }

    /// An instance begins with what is set now for its very function, and with all of it.
    func onSecrets(of spec: InstanceSpec) {
        let key = spec.version.function
        let named = Set(spec.settings.secrets ?? [])
        require(Set(spec.secrets.keys) == named, "\(spec.id) has other secrets than it names")
        let since = Instant(nanoseconds: max(0, clock.now().nanoseconds - Self.secretAge.wholeNanoseconds))
        for (reference, value) in spec.secrets {
            mark("instance with a secret")
            let own = SecretKey(namespace: key.namespace, function: key.name, name: reference.name)
            let shared = SecretKey(namespace: key.namespace, name: reference.name)
            // The function's own goes before the namespace's.
            require(
                held(own, since: since) { $0 == value.text }
                    || held(own, since: since) { $0 == nil } && held(shared, since: since) { $0 == value.text },
                "\(spec.id) begins with '\(value.text.prefix(80))', which \(own) was not then")
        }
    }

    /// Whether the answer is a value that the function's secret ever had, or its namespace's: with a function its own goes, and
    /// a later one of the name may have that of the namespace.
    func hadSecret(_ key: FunctionKey, _ answer: [UInt8]) -> Bool {
        guard let name = try? SecretName(SimCode.secret) else { return false }
        let text = String(decoding: answer, as: UTF8.self)
        return [key.name, nil].contains { function in
            held(SecretKey(namespace: key.namespace, function: function, name: name), since: nil) { $0 == text }
        }
    }
}
