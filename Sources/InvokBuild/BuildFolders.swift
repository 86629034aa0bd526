import InvokPOSIX
import Synchronization

/// Names the folders of builds, none of them twice.
final class BuildFolders: Sendable {
    private let directory: String
    private let last = Atomic<Int>(0)

    init(directory: String) { self.directory = directory }

    func next() -> BuildFolder {
        while true {
            let number = last.wrappingAdd(1, ordering: .relaxed).newValue
            let folder = BuildFolder(path: "\(directory)/.tmp-\(number)")
            // One that could not even be moved away is passed over.
            if !Files.exists(folder.path) { return folder }
        }
    }
}
