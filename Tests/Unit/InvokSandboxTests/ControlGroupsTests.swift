import InvokRuntimes
import Testing

@testable import InvokSandbox

@Suite struct ControlGroupsTests {
    @Test func readsBothVersionsOfMounts() {
        let mounts = ControlGroups.parse(
            mounts: """
                tmpfs /sys/fs/cgroup tmpfs rw 0 0
                cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
                cgroup /sys/fs/cgroup/freezer cgroup rw,freezer 0 0
                cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0

                """)
        #expect(
            mounts == [
                .init(path: "/sys/fs/cgroup/cpu,cpuacct", version: .one, controllers: [.cpu]),
                .init(path: "/sys/fs/cgroup/unified", version: .two, controllers: []),
            ])
        let membership = "4:memory:/a\n1:cpu,cpuacct:/b\n0::/c\n"
        #expect(mounts.map { ControlGroups.ownPath(of: $0, in: membership) } == ["/b", "/c"])
    }

    /// A core that has made room is one step further down than its groups.
    @Test func looksAtTheGroupThatItWasStartedIn() {
        let mount = ControlGroups.Mount(path: "/sys/fs/cgroup", version: .two, controllers: [])
        for (membership, own) in [
            ("0::/", ""), ("0::/core.invok", ""), ("0::/a/b.service", "/a/b.service"),
            ("0::/a/b.service/core.invok", "/a/b.service"), ("0::/a.core.invok", "/a.core.invok"),
        ] {
            #expect(ControlGroups.ownPath(of: mount, in: membership + "\n") == own)
        }
    }

    @Test func limitsSwapToo() {
        let limits = ResourceLimits(memoryBytes: 1024, cpus: 0.5, processes: 3, openFiles: 1, fileBytes: 1)
        #expect(ControlGroup.settings(.memory, .two, limits).map(\.value) == ["1024", "0"])
        #expect(ControlGroup.settings(.memory, .one, limits).map(\.value) == ["1024", "1024"])
        #expect(ControlGroup.settings(.cpu, .two, limits).map(\.value) == ["50000 100000"])
    }
}
