import NIOCore
import Testing

@testable import InvokCLI

@Suite struct ProgressBarTests {
    @Test func showsTheShareWhileMuchIsSent() {
        let total = 8 << 20
        #expect(ProgressBar.text(sent: 0, total: total) == "\(String(repeating: "░", count: 24)) 0 % of 8 MB")
        let half = String(repeating: "█", count: 12) + String(repeating: "░", count: 12)
        #expect(ProgressBar.text(sent: total / 2, total: total) == "\(half) 50 % of 8 MB")
        #expect(ProgressBar.text(sent: total, total: total) == nil)
        #expect(ProgressBar.text(sent: 1, total: 1 << 20) == nil)
    }

    @Test func countsWhatTheConnectionTakes() async {
        let form = Multipart(fileName: "a.zip", content: [UInt8](repeating: 7, count: 200_000))
        var sizes: [Int] = []
        for await piece in form.pieces {
            sizes.append(piece.readableBytes)
            #expect(form.transfer.sent == sizes.reduce(0, +))
        }
        #expect(form.transfer.sent == form.transfer.total && form.transfer.total > 200_000)
        #expect(sizes.allSatisfy { (1...65_536).contains($0) })
    }
}
