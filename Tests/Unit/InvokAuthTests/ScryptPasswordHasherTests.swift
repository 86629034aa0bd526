import Invok
import Testing

@testable import InvokAuth

@Suite(.timeLimit(.minutes(1)))
struct ScryptPasswordHasherTests {
    /// 1 MiB, so that the tests are quick.
    static let cheap = ScryptParameters(logarithmOfRounds: 10, blockSize: 8, parallelism: 1) ?? .standard
    let hasher = ScryptPasswordHasher(parameters: Self.cheap)

    @Test func theStandardIsWhatOWASPRecommends() async throws {
        #expect(ScryptParameters.standard == ScryptParameters(logarithmOfRounds: 17, blockSize: 8, parallelism: 1))
        #expect(ScryptParameters.standard.memoryBytes == 128 << 20)
        let hasher = ScryptPasswordHasher()
        let password = try Password("correct horse")
        let hash = try await hasher.hash(password)
        #expect(hash.hasPrefix("$scrypt$ln=17,r=8,p=1$"))
        #expect(try await hasher.verify(password, against: hash))
        #expect(!hasher.needsRehash(hash))
    }

    @Test(arguments: [
        "12345678", "pässwörd 密码 🔑", String(repeating: "x", count: 1024), "with\u{0}nul byte", "        ",
        "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
    ])
    func aPasswordMatchesItsHashOnly(text: String) async throws {
        let hash = try await hasher.hash(try Password(text))
        #expect(try await hasher.verify(Password(text), against: hash))
        #expect(try await !hasher.verify(Password("another one"), against: hash))
        #expect(try await !hasher.verify(Password(String(text.dropLast()) + "~"), against: hash))
    }

    @Test func equalPasswordsHaveDifferentHashes() async throws {
        let password = try Password("correct horse")
        let (one, other) = (try await hasher.hash(password), try await hasher.hash(password))
        #expect(one != other)
    }

    /// RFC 7914 §12, the vector of N = 1024, r = 8, p = 16.
    @Test func theRFCsVectorMatches() async throws {
        let expected =
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da"
            + "c727afb94a83ee6d8360cbdfa2cc0640"
        let bytes = stride(from: 0, to: expected.count, by: 2).compactMap { offset in
            UInt8(expected.dropFirst(offset).prefix(2), radix: 16)
        }
        let parameters = try #require(ScryptParameters(logarithmOfRounds: 10, blockSize: 8, parallelism: 16))
        // The vector's salt is "NaCl", shorter than what a stored hash may have, so it is not read from text.
        #expect(PHCString(parameters: parameters, salt: Array("NaCl".utf8), hash: bytes).description.count > 90)
        let derived = try await hasher.derive(
            try Password("password"), salt: Array("NaCl".utf8), parameters, byteCount: 64)
        #expect(derived == bytes)
    }

    @Test func aHashOfOtherParametersIsVerifiedAndDue() async throws {
        let password = try Password("correct horse")
        let old = try await ScryptPasswordHasher(
            parameters: #require(ScryptParameters(logarithmOfRounds: 9, blockSize: 8, parallelism: 2))
        ).hash(password)
        #expect(try await hasher.verify(password, against: old))
        #expect(hasher.needsRehash(old))
        #expect(try await !hasher.needsRehash(hasher.hash(password)))
    }

    @Test(arguments: [
        "", "$", "plain", "$scrypt$", "$scrypt$unusable", "$2b$12$abcdefghijklmnopqrstuv",
        "$scrypt$ln=10,r=8,p=1$$", "$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$scrypt$ln=10,r=8,p=1$!!!$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=40,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=20,r=16,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=-1,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$r=8,ln=10,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=10,r=8$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ])
    func aHashThatCannotBeReadMatchesNothing(hash: String) async throws {
        #expect(try await !hasher.verify(Password("correct horse"), against: hash))
        #expect(hasher.needsRehash(hash))
    }

    @Test func manyAtOnceAllFinish() async throws {
        let hasher = self.hasher
        let password = try Password("correct horse")
        let hash = try await hasher.hash(password)
        let matches = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<32 { group.addTask { try await hasher.verify(password, against: hash) } }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(matches == 32)
    }

    @Test func whatWouldWaitTooLongIsRefusedAndTheNextOneIsTaken() async throws {
        let hasher = ScryptPasswordHasher(parameters: Self.cheap, maximumConcurrency: 1, maximumPending: 2)
        let password = try Password("correct horse")
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<64 { group.addTask { (try? await hasher.hash(password)) != nil } }
            return await group.reduce(into: [Bool: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect((outcomes[true] ?? 0) >= 2)
        #expect((outcomes[false] ?? 0) > 0)
        await #expect(throws: PasswordHashError.busy) {
            try await ScryptPasswordHasher(parameters: Self.cheap, maximumPending: 0).hash(password)
        }
        _ = try await hasher.hash(password)
    }

    @Test(
        arguments: [
            ([], [], true), ([1], [1], true), ([1], [2], false), ([1, 2], [1], false), ([0x80, 0], [0, 0x80], false),
        ] as [([UInt8], [UInt8], Bool)])
    func comparisonIsExact(left: [UInt8], right: [UInt8], isEqual: Bool) {
        #expect(isEqualInConstantTime(left, right) == isEqual)
    }
}
