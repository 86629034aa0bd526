import Crypto
public import Invok

/// What the first account of an installation takes, where others than its operator may come first.
///
/// It follows from the secret that signs the tokens: so it is the same at all cores of an installation and at each start,
/// and nothing has to be kept. It is good once, since there is one first account.
public enum SetupCode {
    public static func derive(fromTokenSecret secret: [UInt8]) -> Passcode {
        Passcode(
            bytes: HMAC<SHA256>.authenticationCode(
                for: Array("invok setup code".utf8), using: SymmetricKey(data: secret)))
    }
}
