import Testing

@testable import InvokRegistry

@Suite struct PackageHashTests {
    @Test func theBestIsTaken() {
        #expect(PackageHash(fragment: "md5=00&sha256=ab&egg=x")?.text == "sha256=ab")
        #expect(PackageHash(["sha1": "01", "sha512": "02"])?.text == "sha512=02")
        #expect(PackageHash(integrity: "sha1-AQ== sha512-Ag==?x sha384-Aw==")?.text == "sha512=02")
        for none in ["", "sha256", "sha256=", "sha256=0", "sha256=xy", "sha3=00", "sha224=00"] {
            #expect(PackageHash(fragment: none) == nil, "\(none)")
        }
    }

    @Test(arguments: [
        "md5=900150983cd24fb0d6963f7d28e17f72", "sha1=a9993e364706816aba3e25717850c26c9cd0d89d",
        "sha256=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha384=cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "sha512=ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ])
    func isComputedByPieces(_ text: String) throws {
        let hash = try #require(PackageHash(fragment: text))
        var builder = try #require(PackageHash.Builder(hash))
        builder.add(Array("a".utf8))
        #expect(!builder.isRight)
        builder.add(Array("bc".utf8))
        #expect(builder.isRight)
    }
}
