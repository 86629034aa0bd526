/// A histogram of durations with log-linear buckets, as in OpenHistogram: fixed memory, a bounded relative error, and two of
/// them make one.
///
/// Each decade from 10 µs to 1000 s has 70 buckets: 20 from 1 to 2, 30 from 2 to 5, 20 from 5 to 10. None is wider than 5 %
/// of where it begins, so that a quantile is off by 2.5 % at most. A bucket has its upper bound in it and not its lower one,
/// and 1, 2.5 and 5 of each decade are bounds: how many durations were at most so long is exact there. All that is shorter
/// than the first decade is in one bucket, and so is all that is longer than the last.
package struct LatencyHistogram: Hashable, Sendable {
    private static let shortestNanoseconds = 10_000
    private static let decades = 8
    private static let bucketsPerDecade = 70
    static let bucketCount = 2 + decades * bucketsPerDecade

    private var buckets = [UInt64](repeating: 0, count: bucketCount)
    package private(set) var count: UInt64 = 0
    /// In nanoseconds; of durations below zero, which no clock should give, nothing.
    package private(set) var sumNanoseconds: UInt64 = 0

    package init() {}

    /// Counts a duration.
    package mutating func record(_ duration: Duration) {
        let nanoseconds = Int(clamping: max(0, duration.wholeNanoseconds))
        buckets[Self.bucket(of: nanoseconds)] &+= 1
        count &+= 1
        sumNanoseconds &+= UInt64(nanoseconds)
    }

    /// Adds what another one has counted.
    package mutating func merge(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        for index in buckets.indices where other.buckets[index] > 0 { buckets[index] &+= other.buckets[index] }
        count &+= other.count
        sumNanoseconds &+= other.sumNanoseconds
    }

    /// The duration that the given part of all is not longer than: the middle of its bucket.
    /// - Parameter part: from 0 to 1; 0.99 for the 99th percentile.
    /// - Returns: `nil` where nothing was counted.
    package func quantile(_ part: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = min(count, max(1, UInt64((Double(count) * part).rounded(.up))))
        var seen: UInt64 = 0
        for index in buckets.indices {
            seen += buckets[index]
            guard seen >= rank else { continue }
            let (lower, upper) = (Self.bound(index), Self.bound(min(index + 1, Self.bucketCount - 1)))
            return .nanoseconds((lower + upper) / 2)
        }
        return nil
    }

    /// How many were at most so long, exactly for the bounds of buckets, and for others how many lie below their bucket's.
    package func counts(upTo bounds: [Duration]) -> [UInt64] {
        var (seen, next): (UInt64, Int) = (0, 0)
        return bounds.map { bound in
            let end = bound.wholeNanoseconds
            while next < Self.bucketCount - 1, Self.bound(next + 1) <= end {
                seen += buckets[next]
                next += 1
            }
            return seen
        }
    }

    // MARK: Packed

    /// The buckets in which there is something: how many lie before it since the last one, and its count, each in groups of
    /// seven bits, the least first (LEB128). The sum is left out.
    var packed: [UInt8] {
        var (bytes, next): ([UInt8], Int) = ([], 0)
        for index in buckets.indices where buckets[index] > 0 {
            Self.append(UInt64(index - next), to: &bytes)
            Self.append(buckets[index], to: &bytes)
            next = index + 1
        }
        return bytes
    }

    /// Adds what another one has counted, but for its sum.
    mutating func merge(packed bytes: [UInt8]) {
        var (rest, index) = (bytes[...], 0)
        while let gap = Self.takeFirst(of: &rest), let count = Self.takeFirst(of: &rest) {
            index += Int(clamping: gap)
            guard index < Self.bucketCount else { return }
            buckets[index] &+= count
            self.count &+= count
            index += 1
        }
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func takeFirst(of bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var (number, shift): (UInt64, UInt64) = (0, 0)
        while let byte = bytes.popFirst() {
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        return nil
    }

    // MARK: Buckets

    /// The bucket that a duration belongs to.
    private static func bucket(of nanoseconds: Int) -> Int {
        // Of a whole number, to be at most the bound is to be below the next one.
        let value = nanoseconds - 1
        var (base, decade) = (shortestNanoseconds, 0)
        guard value >= base else { return 0 }
        while value >= base * 10 {
            base *= 10
            decade += 1
            guard decade < decades else { return bucketCount - 1 }
        }
        let place =
            if value < base * 2 {
                (value - base) / (base / 20)
            } else if value < base * 5 {
                20 + (value - base * 2) / (base / 10)
            } else {
                50 + (value - base * 5) / (base / 4)
            }
        return 1 + decade * bucketsPerDecade + place
    }

    /// Where a bucket begins, in nanoseconds.
    private static func bound(_ bucket: Int) -> Int64 {
        guard bucket > 0 else { return 0 }
        let (decade, place) = (bucket - 1).quotientAndRemainder(dividingBy: bucketsPerDecade)
        var base = Int64(shortestNanoseconds)
        for _ in 0..<decade { base *= 10 }
        if place < 20 { return base + Int64(place) * (base / 20) }
        if place < 50 { return base * 2 + Int64(place - 20) * (base / 10) }
        return base * 5 + Int64(place - 50) * (base / 4)
    }
}
