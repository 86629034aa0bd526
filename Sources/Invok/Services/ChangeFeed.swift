import Logging

/// Tells every core that a function changed. A message may be lost; `Recovery` looks again at intervals.
struct ChangeFeed: Sendable {
    static let channel = "invok.functions"

    let cache: any CoordinationCache
    let logger: Logger

    func announce(_ key: FunctionKey) async {
        do throws(CacheError) {
            try await cache.publish(key.description, to: Self.channel)
        } catch {
            logger.warning(
                "other cores learn of a change late", metadata: ["function": "\(key)", "reason": "\(error)"])
        }
    }

    /// Reads again what is announced, until the task is cancelled.
    func follow(into directory: Directory) async {
        for await message in cache.messages(on: Self.channel) {
            guard let key = Self.parse(message) else { continue }
            do throws(StoreError) {
                try await directory.refresh(key)
            } catch {
                logger.warning("a change was not read", metadata: ["function": "\(key)", "reason": "\(error)"])
            }
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
