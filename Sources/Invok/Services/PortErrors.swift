extension InvokError {
    /// What a store's failure means for the person who asked.
    init(_ error: StoreError) {
        switch error {
        case .notFound: self = .functionNotFound
        case .conflict(let reason):
            self.init(
                .conflict, "something else changed it meanwhile", nextStep: "look at it and try again", inner: reason)
        case .exceeded(let excess): self = .quotaExceeded(excess)
        case .unavailable(let reason): self = .unavailable("store: \(reason)")
        case .full: self = .storageFull
        }
    }

    init(_ error: ArtifactError) {
        switch error {
        case .notFound: self = InvokError(.internal, "the archive of this version is gone", inner: "artifact not found")
        case .corrupt: self = InvokError(.internal, "the archive of this version is damaged", inner: "artifact corrupt")
        case .full: self = .storageFull
        case .unavailable(let reason): self = .unavailable("artifacts: \(reason)")
        }
    }

    init(_ error: SpoolError) {
        switch error {
        case .full: self = .storageFull
        case .unavailable(let reason): self = .unavailable("spool: \(reason)")
        }
    }

    init(_ error: DataDiskError) {
        switch error {
        case .unavailable(let reason): self = .unavailable("disk: \(reason)")
        }
    }

    init(_ error: BuildError) {
        switch error {
        case .failed(let reason, let log):
            self.init(.buildFailed, reason, nextStep: "correct the function and deploy again", buildLog: log)
        case .deadlineExceeded(let seconds, let log):
            self.init(
                .buildFailed, "the build did not end within \(seconds) s", nextStep: "make it smaller",
                buildLog: log)
        case .unavailable(let reason, let nextStep):
            self.init(.unavailable, reason, nextStep: nextStep, retryAfterSeconds: 30)
        case .full: self = .storageFull
        case .cancelled: self = .unavailable("the build was cancelled")
        }
    }

    init(_ error: PasswordHashError) {
        switch error {
        case .busy:
            self.init(
                .noCapacity, "too many people log in at this moment", nextStep: "try again", retryAfterSeconds: 5)
        case .outOfMemory: self = .unavailable("passwords: no memory")
        }
    }

    init(_ error: LogError) {
        switch error {
        case .unavailable(let reason): self = .unavailable("logs: \(reason)")
        case .full: self = .storageFull
        }
    }

    /// Why there is no room for another instance.
    init(_ obstacle: Capacity.Obstacle) {
        switch obstacle {
        case .machine:
            self.init(
                .noCapacity, "the server has no room for another instance now",
                nextStep: "try again in a moment; the operator's settings INVOK_CAPACITY_… say how much there is",
                retryAfterSeconds: 5)
        case .quota(let excess): self = .quotaExceeded(excess)
        }
    }

    /// The disk has less free than is kept from new versions.
    static func diskReserved(_ percent: Int) -> InvokError {
        InvokError(
            .storageFull,
            "less than \(percent) % of the server's disk is free, so nothing is deployed for now; functions go on",
            nextStep: "ask the operator to make room; INVOK_MIN_FREE_DISK_PERCENT says how much is kept free")
    }

    static let storageFull = InvokError(
        .storageFull, "the server's disk is full", nextStep: "ask the operator to make room, then try again")
}

/// Runs a call of the store and says what its failure means.
func storing<Success>(_ call: () async throws(StoreError) -> Success) async throws(InvokError) -> Success {
    do throws(StoreError) { return try await call() } catch { throw InvokError(error) }
}
