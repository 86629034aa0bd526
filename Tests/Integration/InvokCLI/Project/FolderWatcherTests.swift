import Foundation
import Testing

@testable import InvokCLI

@Suite struct FolderWatcherTests {
    @Test(.timeLimit(.minutes(1))) func tellsOfChangesInNewFoldersToo() async throws {
        let sandbox = try Sandbox()
        var changes = try FolderWatcher(folder: sandbox.directory).changes().makeAsyncIterator()
        try sandbox.write("a", "1")
        #expect(await changes.next() != nil)
        try sandbox.write("folder/b", "1")
        #expect(await changes.next() != nil)
    }

    @Test(.timeLimit(.minutes(1))) func polls() async throws {
        var changes = FolderWatcher(folder: "/").polling().makeAsyncIterator()
        #expect(await changes.next() != nil)
    }
}
