import Invok

/// Reads what the API shows of functions, and holds it against what is known.
struct SimReader: Sendable {
    let model: SimFunctionModel
    let token: String
    let cluster: SimCluster

    private var checker: SimChecker { cluster.checker }
    private var namespace: Namespace { model.key.namespace }

    /// The list shows the caller's namespace, all of it, as it is.
    func list(_ front: SimFront) async {
        let before = model.quiet
        switch await front.list(token: token) {
        case .success(let functions)?:
            checker.mark("list")
            let isOwn = functions.allSatisfy { $0.uuid == namespace }
            checker.require(isOwn, "the list of \(namespace) shows another namespace")
            guard let before, case .active(let number) = before.known, model.quiet?.changes == before.changes else {
                return
            }
            let active = functions.first { $0.name == model.key.name.description }?.activeVersion
            checker.require(active == number, "the list shows \(model.key)@\(active ?? 0) instead of @\(number)")
        case .failure(let error)?: cluster.judge(error, "list", allowed: [])
        case nil: break
        }
    }

    /// A function's log holds its own lines only; the last one may be torn.
    func readLogs(_ front: SimFront) async {
        switch await front.logs(of: model.key, token: token) {
        case .success(let lines)?:
            checker.mark("logs")
            // Some write their secret, too. A fault may have left half a line.
            let stray = lines.first { line in
                line.source == .stdout
                    && !["\(model.key)", SecretMask.replacement].contains { $0.hasPrefix(line.text) }
            }
            checker.require(stray == nil, "the log of \(model.key) holds '\(stray?.text ?? "")'")
        case .failure(let error)?: cluster.judge(error, "logs", allowed: [.notFound])
        case nil: break
        }
    }
}
