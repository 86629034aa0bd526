import Logging
import Synchronization

/// Tells every core that a function changed. A message may be lost; `Recovery` looks again at intervals.
final class ChangeFeed: Sendable {
    static let channel = "invok.functions"

    private let cache: any CoordinationCache
    private let logger: Logger
    /// What is heard before `follow` reads it.
    private let heard = Mutex<AsyncStream<String>?>(nil)

    init(cache: any CoordinationCache, logger: Logger) {
        self.cache = cache
        self.logger = logger
    }

    /// Hears what is announced from now on, until `follow` reads it. To be called before the store is read, or what
    /// changes between the two is missed.
    func listen() {
        let messages = cache.messages(on: Self.channel)
        heard.withLock { $0 = messages }
    }

    /// A change of the function is in the store: this core reads it, and the others are told.
    /// - Parameter made: what the change has made of what this core knows, should the store not be read.
    func publish(_ key: FunctionKey, into directory: Directory, made: (Route?) -> Route?) async {
        await directory.follow(key, made: made)
        await announce(key)
    }

    func announce(_ key: FunctionKey) async {
        do throws(CacheError) {
            try await cache.publish(key.description, to: Self.channel)
        } catch {
            logger.warning(
                "other cores learn of a change late", metadata: ["function": "\(key)", "reason": "\(error)"])
        }
    }

    /// Has what is announced read again, since `listen` was called or else from now on, until the task is cancelled. A
    /// change that is slow to read holds up none behind it.
    func follow(into directory: Directory) async {
        for await message in heard.withLock({ $0.take() }) ?? cache.messages(on: Self.channel) {
            if let key = Self.parse(message) { directory.renew(key) }
        }
    }

    private static func parse(_ message: String) -> FunctionKey? {
        let parts = message.split(separator: "/")
        guard parts.count == 2, let namespace = Namespace(parts[0]), let name = try? FunctionName(parts[1]) else {
            return nil
        }
        return FunctionKey(namespace: namespace, name: name)
    }
}
