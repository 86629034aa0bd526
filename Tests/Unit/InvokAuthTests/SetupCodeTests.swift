import Invok
import InvokAuth
import Testing

struct SetupCodeTests {
    @Test func oneSecretHasOneCode() {
        let (one, other) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
        let code = SetupCode.derive(fromTokenSecret: one)
        #expect(code == SetupCode.derive(fromTokenSecret: one))
        #expect(code != SetupCode.derive(fromTokenSecret: other))
        #expect(code.description.count == 19)
    }
}
