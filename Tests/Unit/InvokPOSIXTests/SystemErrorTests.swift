import Glibc
import InvokPOSIX
import Testing

struct SystemErrorTests {
    @Test(arguments: [
        ("open", "open"), ("read", "read"), ("write", "write"), ("rename", "rename"), ("mkdir", "create"),
        ("unlink", "remove"), ("fsync", "write"), ("chmod", "change the mode of"),
    ])
    func namesTheCallAndSaysWhatItMeans(_ call: String, _ verb: String) {
        let error = SystemError(call, "/a/b", code: EACCES)
        #expect(error.description == "\(call) /a/b: Permission denied")
        #expect(error.message == "cannot \(verb) /a/b: Permission denied")
        #expect(SystemError(call, code: EACCES).description == "\(call): Permission denied")
        #expect(SystemError(call, code: EACCES).message == "cannot \(verb): Permission denied")
    }

    @Test func tellsWhatIsFullFromWhatIsMissing() {
        for code in [ENOSPC, EDQUOT, EFBIG] {
            let error = SystemError("write", "/a", code: code)
            #expect(error.isFull && !error.isMissing)
        }
        for code in [ENOENT, ENOTDIR] {
            let error = SystemError("open", "/a", code: code)
            #expect(error.isMissing && !error.isFull)
        }
        let error = SystemError("write", "/a", code: EIO)
        #expect(!error.isFull && !error.isMissing)
    }

    @Test func takesTheCodeThatTheCallLeft() {
        #expect(open("/none/at/all", O_RDONLY) == -1)
        #expect(SystemError("open", "/none/at/all") == SystemError("open", "/none/at/all", code: ENOENT))
    }
}
