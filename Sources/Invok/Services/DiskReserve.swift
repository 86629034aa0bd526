/// Keeps a part of the disk free from new versions, so that what serves finds room for its logs and its database.
struct DiskReserve: Sendable {
    private let disk: any DataDisk
    private let percent: Int

    /// - Parameter percent: the part of the disk that is kept free; 0 for none.
    init(_ disk: any DataDisk, percent: Int) {
        self.disk = disk
        self.percent = percent
    }

    /// Ask before anything is taken that a deploy writes to the disk.
    /// - Throws: `storage_full` while less is free than is kept, `unavailable`.
    func check() async throws(InvokError) {
        guard percent > 0 else { return }
        let space: DiskSpace
        do throws(DataDiskError) { space = try await disk.space() } catch { throw InvokError(error) }
        guard Self.isKept(percent, by: space) else { throw .diskReserved(percent) }
    }

    static func isKept(_ percent: Int, by space: DiskSpace) -> Bool {
        // Divided first, since a large disk times a hundred need not be an `Int`; the 100 bytes that this may err are none.
        space.freeBytes >= space.totalBytes / 100 * percent
    }
}
