import Testing

@testable import InvokAuth

struct PHCStringTests {
    @Test(arguments: 16...18)
    func textRoundTrips(count: Int) throws {
        let parameters = try #require(ScryptParameters(logarithmOfRounds: 15, blockSize: 8, parallelism: 3))
        let hash = PHCString(
            parameters: parameters, salt: (0..<count).map { UInt8($0) }, hash: (0..<count).map { UInt8(255 - $0) })
        #expect(hash.description.hasPrefix("$scrypt$ln=15,r=8,p=3$AAECAwQF"))
        let read = try #require(PHCString(hash.description))
        #expect(read.parameters == parameters)
        #expect(read.salt == hash.salt)
        #expect(read.hash == hash.hash)
    }
}
