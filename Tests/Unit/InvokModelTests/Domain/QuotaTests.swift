import Testing

@testable import InvokModel

@Suite struct QuotaTests {
    @Test func overridesReplaceTheStandardOneByOne() {
        let quota = Quota([.functions: 3]).replacing([.functions: 4, .builds: 1])
        #expect(quota[.functions] == 4 && quota[.builds] == 1)
        #expect(quota[.uploads] == Quota.Name.uploads.standard)
        #expect(quota.bytes(.storageMB) == Quota.Name.storageMB.standard << 20)
    }

    @Test func aFreedQuotaBindsNobodyButKeepsFewVersions() {
        let quota = Quota([.versions: 3]).freed
        for name in Quota.Name.allCases { #expect(quota[name] == (name == .versions ? 3 : Quota.unlimited)) }
        #expect(quota.bytes(.storageMB) == Quota.unlimited)
    }

    @Test func readsWhatOperatorsWrite() throws {
        #expect(
            try Quota.parse("functions=20, memoryMB=unlimited  builds=0") == [
                .functions: 20, .memoryMB: Quota.unlimited, .builds: 0,
            ])
        let reset = try Quota.parse("cpus=default", reset: "default")
        #expect(reset.count == 1 && reset[.cpus] == .some(nil))
        #expect(try Quota.parse(" ") == [:])
        for name in Quota.Name.allCases {
            #expect(try Quota.parse("\(name.rawValue)=\(Quota.text(name.standard))") == [name: name.standard])
        }
        #expect(Quota.text(Quota.unlimited) == "unlimited")
    }

    @Test(arguments: [
        ("functions", "NAME=VALUE"), ("functions=1=2", "NAME=VALUE"), ("function=1", "no quota 'function'"),
        ("functions=-1", "'-1'"), ("functions=+1", "'+1'"), ("functions=1.5", "'1.5'"), ("functions=", "''"),
        ("functions=1 functions=2", "twice"), ("functions=default", "'default'"),
        ("functions=99999999999999999999", "9999"), ("=1", "no quota ''"),
    ])
    func refusesWhatItCannotRead(_ text: String, _ named: String) {
        let error = #expect(throws: InvokError.self) { try Quota.parse(text) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains(named) == true || error?.nextStep?.contains(named) == true)
        #expect(error?.nextStep != nil)
    }

    @Test func onlyWhatAddsPasses() {
        let quota = Quota([.functions: 1, .storageMB: 1])
        let held = StoredUsage(functions: 2, bytes: 3 << 20)
        #expect(quota.excess(from: held, to: held) == nil)
        #expect(
            quota.excess(from: held, to: StoredUsage(functions: 3, bytes: 3 << 20))
                == QuotaExcess(.functions, value: 1, used: 2))
        #expect(
            quota.excess(from: held, to: StoredUsage(functions: 2, bytes: 3 << 20 + 1))
                == QuotaExcess(.storageMB, value: 1, used: 3))
        #expect(quota.excess(from: StoredUsage(), to: StoredUsage(functions: 1, bytes: 1 << 20)) == nil)
    }
}
