/// What an operator may set about the system, with the defaults of an embedded installation.
public struct SystemSettings: Sendable {
    /// The access of a new function whose configuration does not say.
    public var defaultAccess = Access.private
    public var archiveLimits = ArchiveLimits()
    /// What of the network functions may ask for.
    public var egress = EgressRules()
    /// What each user may hold and do, unless the store has something else for it.
    public var quota = Quota()
    /// Whether a user who is the only one is bound by the machine alone.
    public var freesOnlyUser = false
    /// Who may make an account.
    public var registration = Registration.open
    /// What the very first account takes, by the digest of its text (`Passcode.digest`); `nil` where it takes nothing.
    public var setupCode: Digest?
    public var tokenLifetime = Duration.seconds(7 * 24 * 3600)
    /// How long a token is good whose client can renew it.
    public var accessLifetime = Duration.seconds(15 * 60)
    /// Sessions that one user may have.
    public var sessionsPerUser = 100
    /// How long what was read last of the revocation list counts while the store is away.
    public var beliefLifetime = Duration.seconds(3600)
    /// Registrations, and log-ins that fail, that one address may try in a minute, and log-ins that fail at one account from
    /// one address.
    public var attemptsPerAddress = 60
    public var attemptsPerAccount = 10
    /// How long an instance that an earlier core left may take to answer its readiness check.
    public var adoptionTimeout = Duration.seconds(10)
    /// How long an instance that is suspected to hang may take to answer its readiness check.
    public var probeTimeout = Duration.seconds(1)
    /// From SIGTERM to SIGKILL.
    public var stopGrace = Duration.seconds(5)
    /// How long tunnels keep an instance that is on its way out, since they end late or never.
    public var tunnelDrain = Duration.seconds(50)
    /// How long a request may wait for an instance.
    public var queueWait = Duration.seconds(30)
    public var queueLimit = 1000
    /// What this core's machine has for all instances together.
    public var capacity = Resources(instances: 1000)
    /// Instances started at a time; more at once delay the first. The last place is for those that requests wait for.
    public var concurrentStarts = 4
    /// Builds that run at a time, all functions together; each may take as much memory as its sandbox allows.
    public var concurrentBuilds = 4
    /// Deploys and changes of settings that go on at a time, from when their archive is there to their end.
    public var concurrentDeploys = 4
    /// Uploads that are received or wait for such a place, and the bytes of these; one user may have an eighth of the
    /// files and a quarter of the bytes.
    public var spoolFiles = 128
    public var spoolBytes = 1 << 30
    /// What of the disk is kept free from new versions, in percent; 0 for nothing.
    public var minimumFreeDiskPercent = 5
    /// Deploys that may wait for such a place, a quarter of them of one user, and for how long.
    public var deployQueueLimit = 100
    public var deployQueueWait = Duration.seconds(60)
    public var reconcileInterval = Duration.seconds(30)
    /// How long after its core's end a deploy is taken to go on; a core that lives says so three times as often.
    public var deployLease = Duration.seconds(60)

    public init() {}
}
