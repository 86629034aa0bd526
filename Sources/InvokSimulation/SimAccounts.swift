import Invok

extension SimCluster {
    /// What a user logs in with.
    static func credentials(of name: String) -> (email: String, password: String) {
        let email = "\(name.replacing(" ", with: "-"))@example.com"
        return (email, "password of \(email)")
    }

    /// Makes an account, as often as it takes.
    /// - Parameter name: of the user, of which there is one.
    /// - Returns: `nil` when users have stopped before.
    func signUp(_ name: String) async -> Account? {
        var random = random("\(name) account")
        let (email, password) = Self.credentials(of: name)
        while usersWork {
            let front = await front(&random)
            var session = await front.register(email: email, password: password)
            // An earlier try may have made the account.
            if case .failure(let error)? = session, error.code == .emailTaken {
                session = await front.login(email: email, password: password)
            }
            switch session {
            case .success(let session)?: return Account(token: session.token, namespace: session.user.uuid)
            case .failure(let error)?: judge(error, "sign up", allowed: [])
            case nil: break
            }
            await sleep(.milliseconds(500))
        }
        return nil
    }
}
