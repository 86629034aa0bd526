/// Decides who may do what in which namespace. What a caller may not see does not exist for it.
struct AccessControl: Sendable {
    enum Right: Sendable {
        /// See functions, versions and logs.
        case read
        case invoke
        /// Deploy, roll back, change, delete.
        case change
    }

    let store: any MetadataStore
    let grants: GrantCache

    /// - Throws: `not_found` when the caller has no part in the namespace, `forbidden` when its role there is too low.
    func require(_ right: Right, in namespace: Namespace, of principal: Principal) async throws(InvokError) {
        guard let role = try await role(of: principal, in: namespace) else { throw .functionNotFound }
        switch (right, role) {
        case (_, .admin), (_, .developer), (.read, .viewer), (.invoke, .viewer): return
        case (.change, .viewer):
            throw InvokError(
                .forbidden, "a viewer may not change this namespace", nextStep: "ask its owner for the role 'developer'"
            )
        }
    }

    /// Whether a user may call what is in a namespace: its owner, and whoever has any role there. The owner needs no
    /// look-up, and a role that was used lately is known.
    /// - Throws: `not_found` for a stranger, `unavailable` when a role is not known and the store does not answer.
    func requireInvocation(in namespace: Namespace, by user: UserID) async throws(InvokError) {
        if user == namespace { return }
        let role = try await storing { () throws(StoreError) in try await grants.role(of: user, in: namespace) }
        guard role != nil else { throw .functionNotFound }
    }

    /// Whether it is known that the user may call what is in a namespace.
    func allowsInvocation(in namespace: Namespace, by user: UserID) -> Bool {
        user == namespace || grants.knownRole(of: user, in: namespace) != nil
    }

    private func role(of principal: Principal, in namespace: Namespace) async throws(InvokError) -> Role? {
        if principal.namespace == namespace { return principal.user.role }
        return try await storing { () throws(StoreError) in
            try await store.grant(namespace: namespace, user: principal.user.id)?.role
        }
    }
}
