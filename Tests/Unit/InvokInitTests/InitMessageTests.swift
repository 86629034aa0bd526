import Testing

@testable import InvokInit

@Suite struct InitMessageTests {
    private func words(_ bytes: [UInt8]) -> [UInt32] {
        (0..<5).map { index in bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self) } }
    }

    @Test func theFirstMessageHasTheUserAndTheFilter() {
        var setup = InitMessage.Setup(user: 70_000, filter: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(words(setup.bytes) == [0x3156_4B49, 1, 8, 70_000, 0])
        setup.hasUserNamespace = true
        setup.endsWithCore = true
        #expect(words(setup.bytes)[1] == 7)
        #expect(setup.bytes.suffix(8) == [1, 2, 3, 4, 5, 6, 7, 8])
        setup.processes = 257
        #expect(words(setup.bytes)[4] == 257)
        // Without a user of its own there is nobody for the namespace's map.
        setup.user = nil
        #expect(words(setup.bytes)[1] == 4)
    }

    @Test func theSecondMessageHasWhatIsRun() {
        var command = InitMessage.Command(
            directory: "/bundle", arguments: ["python3", "-S"], environment: ["B": "2 \n", "A": "ä"])
        let text = "/bundle\0python3\0-S\0A=ä\0B=2 \n\0"
        #expect(words(command.bytes) == [0x3256_4B49, 0, UInt32(text.utf8.count), 2, 2])
        #expect(String(decoding: command.bytes.dropFirst(20), as: UTF8.self) == text)
        command.keepsListener = true
        command.keepsVariables = true
        #expect(words(command.bytes)[1] == 3)
        command.files = ["/run/secrets/B": "b\n", "/run/secrets/A": "ä"]
        #expect(words(command.bytes)[1] == 0x2_0003)
        #expect(
            String(decoding: command.bytes.dropFirst(20), as: UTF8.self)
                == text + "/run/secrets/A\0ä\0/run/secrets/B\0b\n\0")
    }

    @Test func theProgramIsASmallStaticOne() {
        #expect(InitProgram.bytes.prefix(4) == [0x7F, 0x45, 0x4C, 0x46])
        #expect(InitProgram.bytes.count < 32_768)
        // No interpreter: nothing is loaded before its first instruction.
        #expect(!String(decoding: InitProgram.bytes, as: UTF8.self).contains("ld-linux"))
    }
}
