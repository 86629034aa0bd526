import Testing

@testable import InvokHost
@testable import InvokSandbox

/// Runs the filter as the kernel does, for both architectures, whichever this machine has.
@Suite struct SeccompFilterTests {
    enum Verdict: Hashable {
        case allow
        case kill
        case errno(UInt32)
    }

    struct Call {
        var number: UInt32
        var architecture: UInt32
        var arguments: [UInt64] = []

        /// `struct seccomp_data` of seccomp(2), as 32-bit words.
        var words: [UInt32] {
            let padded = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            return [number, architecture, 0, 0]
                + padded.flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
        }
    }

    struct Malformed: Error, CustomStringConvertible { let description: String }

    /// Classic BPF as far as the filter uses it; anything else is an error, as it would be for the kernel's checker.
    static func run(_ program: [SeccompFilter.Instruction], _ call: Call) throws -> Verdict {
        var (accumulator, next) = (UInt32(0), 0)
        while next < program.count {
            let instruction = program[next]
            next += 1
            let holds: Bool
            switch instruction.code {
            case 0x20:
                guard instruction.operand % 4 == 0, instruction.operand < 64 else {
                    throw Malformed(description: "loads from \(instruction.operand)")
                }
                accumulator = call.words[Int(instruction.operand / 4)]
                continue
            case 0x06:
                switch instruction.operand {
                case 0x7FFF_0000: return .allow
                case 0x8000_0000: return .kill
                case let answer where answer >> 16 == 5: return .errno(answer & 0xFFFF)
                default: throw Malformed(description: "answers \(instruction.operand)")
                }
            case 0x15: holds = accumulator == instruction.operand
            case 0x35: holds = accumulator >= instruction.operand
            case 0x45: holds = accumulator & instruction.operand != 0
            default: throw Malformed(description: "code \(instruction.code)")
            }
            next += Int(holds ? instruction.ifTrue : instruction.ifFalse)
        }
        throw Malformed(description: "runs past its end")
    }

    static let architectures = [SystemCalls.x86_64, .aarch64]

    private func verdict(_ calls: SystemCalls, _ number: UInt32, _ arguments: [UInt64] = []) throws -> Verdict {
        try Self.run(
            SeccompFilter(architecture: calls).instructions,
            Call(number: number, architecture: calls.audit, arguments: arguments))
    }

    @Test(arguments: architectures) func endsWhoSpeaksForAnotherArchitecture(calls: SystemCalls) throws {
        let program = SeccompFilter(architecture: calls).instructions
        for audit in [0x4000_0003, 0xC000_003E, 0xC000_00B7, 0, 0xFFFF_FFFF] as [UInt32] where audit != calls.audit {
            for number in [0, 1, calls.ioctl] {
                #expect(try Self.run(program, Call(number: number, architecture: audit)) == .kill)
            }
        }
    }

    /// read, write, close, mmap, futex, execve, exit_group, openat, epoll_wait or epoll_pwait, and others that every
    /// program needs.
    @Test(arguments: [
        (SystemCalls.x86_64, [0, 1, 3, 9, 13, 14, 23, 59, 202, 231, 232, 257, 281, 318, 334, 437] as [UInt32]),
        (.aarch64, [22, 29, 56, 57, 63, 64, 73, 94, 98, 134, 135, 221, 222, 278, 293, 437]),
    ])
    func letsOrdinaryCallsPass(calls: SystemCalls, numbers: [UInt32]) throws {
        for number in numbers { #expect(try verdict(calls, number) == .allow, "\(number)") }
    }

    @Test(arguments: architectures) func everyDeniedCallIsRefused(calls: SystemCalls) throws {
        for number in calls.denied { #expect(try verdict(calls, number) == .errno(1), "\(number)") }
        #expect(Set(calls.denied).count == calls.denied.count)
    }

    @Test(arguments: architectures) func callsThatItDoesNotKnowDoNotExist(calls: SystemCalls) throws {
        for number in [463, 500, 0x3FFF_FFFF, 0x4000_0000, 0x4000_0000 | 101, 0xFFFF_FFFF] as [UInt32] {
            #expect(try verdict(calls, number) == .errno(38), "\(number)")
        }
        #expect(try verdict(calls, 435) == .errno(38), "clone3")
        #expect(try verdict(calls, 462) == .allow)
    }

    @Test(arguments: architectures) func looksAtArguments(calls: SystemCalls) throws {
        // A thread and a fork; then each namespace, alone and among others; high halves do not hide anything.
        for flags in [0x3D0F00, 0x1200011, 17] as [UInt64] {
            #expect(try verdict(calls, calls.clone, [flags]) == .allow)
        }
        for bit in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] as [UInt64] {
            #expect(try verdict(calls, calls.clone, [bit | 17]) == .errno(1), "\(bit)")
            #expect(try verdict(calls, calls.clone, [1 << 32 | bit | 17]) == .errno(1), "\(bit)")
        }
        for family in 0...45 as ClosedRange<UInt64> {
            #expect(try verdict(calls, calls.socket, [family]) == ([1, 2, 10].contains(family) ? .allow : .errno(97)))
            #expect(try verdict(calls, calls.socketpair, [family]) == (family == 1 ? .allow : .errno(97)))
        }
        for persona in [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF] as [UInt64] {
            #expect(try verdict(calls, calls.personality, [persona]) == .allow)
        }
        #expect(try verdict(calls, calls.personality, [0x40000]) == .errno(1))
        // TIOCSTI and TIOCLINUX put words into somebody's terminal.
        for request in [0x5412, 0x541C] as [UInt64] {
            #expect(try verdict(calls, calls.ioctl, [0, request]) == .errno(1))
        }
        #expect(try verdict(calls, calls.ioctl, [0, 0x5401]) == .allow)
    }

    /// What the kernel's checker asks for: whole instructions, at most 4096, jumps that stay inside, an answer at the end.
    @Test(arguments: architectures) func isAProgramThatTheKernelTakes(calls: SystemCalls) throws {
        let filter = SeccompFilter(architecture: calls)
        let program = filter.instructions
        #expect(filter.bytes.count == program.count * 8)
        #expect(program.count <= 4096)
        #expect(program.last == .allow)
        for (index, instruction) in program.enumerated() where instruction.code & 7 == 5 {
            #expect(index + 1 + Int(max(instruction.ifTrue, instruction.ifFalse)) < program.count)
        }
        for number in 0...600 as ClosedRange<UInt32> {
            #expect(throws: Never.self) { _ = try verdict(calls, number) }
        }
    }
}
