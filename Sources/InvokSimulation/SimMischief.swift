import Invok
import InvokSim

/// A way in which a tenant takes more than is its due. It must not harm anybody else.
public enum SimMischief: String, Hashable, Sendable, CaseIterable, Comparable {
    /// A hundred calls at once of functions whose instances never become ready.
    case coldStarts = "cold-starts"
    /// A minimum of instances, of versions whose instances never become ready.
    case failingMinimum = "failing-minimum"
    /// As many functions as may be, each with a minimum of instances.
    case hoard
    /// More deploys at once than one may have.
    case deployFlood = "deploy-flood"
    /// Archives that no honest tool makes.
    case hostileArchives = "hostile-archives"
    /// Builds that do nothing until their deadline.
    case sleepyBuilds = "sleepy-builds"
    /// Builds that fill the disk.
    case fullBuilds = "full-builds"
    /// Uploads that come byte by byte and never end.
    case endlessUploads = "endless-uploads"
    /// Callers that send byte by byte, and take answers as slowly.
    case slowCallers = "slow-callers"
    /// Many anonymous calls at once of one public function.
    case callFlood = "call-flood"
    /// Calls of a function that works on for ever.
    case endlessLoops = "endless-loops"
    /// Functions that refuse requests, break off their answers, or die of them.
    case brokenAnswers = "broken-answers"
    /// Calls of other tenants' public functions, from one address and far more than it may send.
    case strangerFlood = "stranger-flood"
    /// Functions that write more than they answer.
    case chatter

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// What is done in the run of a seed: in one half of all seeds nothing, in the others one or two of these. Each is
    /// done by a tenant of its own.
    package static func draw(seed: UInt64, from all: Set<SimMischief>) -> [SimMischief] {
        var random = SimRandomness(seed: seed).stream("mischief").generator
        guard random.below(2) == 0 else { return [] }
        let kinds = allCases.shuffled(using: &random).prefix(1 + random.below(2))
        return kinds.filter(all.contains).sorted()
    }
}
