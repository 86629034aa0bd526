import Testing

@testable import InvokCLI

@Suite struct SecretFilesTests {
    @Test(arguments: [
        ".env", "a/.env.local", "prod.env", ".npmrc", "keys/id_rsa", "x.p12", ".aws", "credentials.json",
        "client_secret_1.json", "terraform.tfstate", "a/.aws/config", ".serverless-cli-auth",
    ])
    func knowsByName(_ path: String) { #expect(SecretFiles().contain(path, isFolder: false)) }

    @Test(arguments: [".env.example", "example.env", "environment.txt", "env", "id_rsa.pub", "package.json"])
    func takesNothingElseForOne(_ path: String) { #expect(!SecretFiles().contain(path, isFolder: false)) }

    @Test func whatIsNamedIsIncludedButTheLogin() {
        let files = SecretFiles(including: [".env", "/.aws", "*"])
        #expect(!files.contain(".env", isFolder: false) && !files.contain(".aws/credentials", isFolder: false))
        #expect(files.contain(".serverless-cli-auth", isFolder: false))
        #expect(!files.mayHoldKey("a.pem", size: 10))
    }

    @Test func someAreKnownByTheirContentOnly() {
        #expect(SecretFiles().mayHoldKey("a/service.json", size: 2000) && !SecretFiles().mayHoldKey("a.txt", size: 10))
        #expect(!SecretFiles().mayHoldKey("data.json", size: 1 << 20))
        #expect(SecretFiles.isKey(Array(#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMII"}"#.utf8)))
        #expect(!SecretFiles.isKey(Array("-----BEGIN CERTIFICATE-----".utf8)))
    }
}
