import Foundation
import Invok
import InvokBuild
import InvokInit
import InvokRuntimes
import Testing

@testable import InvokDocker

/// The walls around a function, as they are asked for. That they hold is tried in real containers.
@Suite struct ContainerPlanTests {
    private let plan: ContainerPlan
    private let spec: InstanceSpec

    init() throws {
        plan = ContainerPlan(owner: "0123456789abcdef", images: try DockerImages { _ in nil }, processors: 2)
        let namespace = try #require(Namespace("11111111-2222-4333-8444-555555555555"))
        let key = FunctionKey(namespace: namespace, name: try FunctionName("hello"))
        let version = VersionKey(function: key, number: 3)
        spec = InstanceSpec(
            id: InstanceID(version: version, ordinal: 7), version: version,
            settings: VersionSettings(
                runtime: .python, environment: try Environment(["GREETING": "a 'b' $c\n\"d\"", "TZ": "Asia/Tokyo"]),
                limits: .standard),
            bundle: BundleID(Digest(of: "bundle".utf8)))
    }

    private func object(_ json: some Sequence<UInt8>) throws -> NSDictionary {
        try #require(JSONSerialization.jsonObject(with: Data(json)) as? NSDictionary)
    }

    @Test func anInstanceIsWalledIn() throws {
        let request = plan.instance(spec, bundle: "/data/bundles/b", folder: "/data/run/r/in")
        #expect(try object(DockerClient.encode(request)) == object(Self.golden.utf8))
    }

    /// What the engine is told it writes to its disk and shows to whoever asks: nothing of the function's variables.
    @Test func theCommandAndTheVariablesAreHandedOver() throws {
        let command = ContainerPlan.command(of: spec)
        #expect(command.directory == "/bundle" && command.keepsVariables)
        #expect(command.arguments == ["python3", "-S", "-B", "/bundle/.invok/shim.py"])
        #expect(
            command.environment == [
                "GREETING": "a 'b' $c\n\"d\"", "HOME": "/tmp", "INVOK_CONCURRENCY": "16",
                "INVOK_FUNCTION_NAME": "hello", "INVOK_TIMEOUT_SECONDS": "30", "LANG": "C.UTF-8", "LISTEN_FDS": "1",
                "LOGNAME": "function", "USER": "function",
                "TZ": "Asia/Tokyo",
            ])
        let request = plan.instance(spec, bundle: "/b", folder: "/s")
        #expect(!String(decoding: DockerClient.encode(request), as: UTF8.self).contains("GREETING"))
    }

    @Test func isNamedAndLabelledSoThatAnyCoreFindsIt() throws {
        #expect(
            spec.id.description
                == "hello-\(Digest(of: "11111111-2222-4333-8444-555555555555".utf8).description.prefix(20))-3-7")
        let request = plan.instance(spec, bundle: "/b", folder: "/s")
        let found = try #require(ContainerPlan.instance(labels: request.labels))
        #expect(found.id == spec.id && found.version == spec.version)
        #expect(found.share == Resources(spec.settings.limits))
        for label in request.labels.keys where label != ContainerPlan.Label.owner {
            var labels = request.labels
            labels[label] = "nonsense-"
            #expect(ContainerPlan.instance(labels: labels) == nil, "\(label)")
        }
    }

    @Test func asksForNoMoreProcessorsThanThereAre() throws {
        let limits = try JSONDecoder().decode(LimitsConfig.self, from: Data(#"{"cpus":16}"#.utf8))
        let settings = VersionSettings(runtime: .go, environment: .empty, limits: try Limits(limits))
        let large = InstanceSpec(id: spec.id, version: spec.version, settings: settings, bundle: spec.bundle)
        let request = plan.instance(large, bundle: "/b", folder: "/s")
        #expect(request.hostConfig.nanoCpus == 2_000_000_000)
        #expect(request.image == "alpine:3")
        #expect(ContainerPlan.command(of: large).arguments == ["/bundle/.invok/function"])
    }

    @Test func usersAreNeitherRootNorTheHosts() {
        for number in 0..<1000 {
            let parts = ContainerPlan.user(of: "\(number)").split(separator: ":").compactMap { Int($0) }
            #expect(parts.count == 2 && parts[0] == parts[1] && (10_000..<60_000).contains(parts[0]))
        }
    }

    @Test func aNameThatIsTakenIsFollowedByTheNext() throws {
        let names = ContainerPlan.names(of: spec.id)
        #expect(names[0] == spec.id.description && Set(names).count == 8)
        let ids = names.compactMap { InstanceID($0) }
        #expect(ids.map(\.description) == names)
        let last = try #require(
            InstanceID(spec.id.description.split(separator: "-").dropLast().joined(separator: "-") + "-4294967295"))
        #expect(ContainerPlan.names(of: last)[1].hasSuffix("-0"))
    }

    @Test func aCoreThatIsNotRootBuildsAsItself() throws {
        let tool = BuildTool(name: "go", executable: "go", identity: "x")
        var own = plan
        own.builderUser = 1000
        let isolation = BuildRun.isolation([:], ["go", "build"], tool)
        #expect(own.build(isolation, image: "golang:1", name: "abc").user == "1000:1000")
        #expect(own.instance(spec, bundle: "/b", folder: "/s").user != "1000:1000")
    }

    @Test func aBuildHasTheSameWalls() throws {
        let tool = BuildTool(name: "go", executable: "go", identity: "x")
        var isolation = BuildRun.isolation(["CGO_ENABLED": "0"], ["go", "build"], tool)
        isolation.mounts.append(.init(source: "/data/bundles/.tmp-1/work", destination: "/build"))
        isolation.temporaryFolders.append(.init(path: "/cache", bytes: 1024))
        let build = plan.build(isolation, image: "golang:1", name: "abc")
        let instance = plan.instance(spec, bundle: "/b", folder: "/s")
        func walls(_ request: ContainerRequest) throws -> NSDictionary {
            let object = try JSONSerialization.jsonObject(with: Data(DockerClient.encode(request.hostConfig)))
            let differ: Set = [
                "Mounts", "Tmpfs", "Memory", "MemorySwap", "NanoCpus", "PidsLimit", "Ulimits", "CpuShares", "LogConfig",
                // An instance brings its own.
                "Init",
            ]
            return try #require(object as? [String: Any]).filter { !differ.contains($0.key) } as NSDictionary
        }
        #expect(try walls(build) == walls(instance))
        #expect(build.hostConfig.mounts.map(\.readOnly) == [true])
        #expect(build.hostConfig.logConfig == .init(type: "none", config: [:]))
        let user = build.user.split(separator: ":")[0]
        #expect(
            build.hostConfig.tmpfs["/cache"] == "rw,nosuid,nodev,exec,size=1024,mode=1777,uid=\(user),gid=\(user)")
        #expect(build.env.allSatisfy { !$0.hasPrefix("INVOK_") && !$0.hasPrefix("PATH=") })
        #expect(build.labels["invok.kind"] == "build" && build.labels["invok.build"] == "abc")
    }
}

extension ContainerPlanTests {
    /// All of the body of `POST /containers/create`: a change of a wall must be made here too.
    fileprivate static let golden = #"""
        {
          "Image": "python:3-slim",
          "Entrypoint": ["/run/invok/invok-init", "/run/invok/c"],
          "Cmd": [],
          "Env": [],
          "WorkingDir": "/",
          "User": "43854:43854",
          "Hostname": "function",
          "Tty": false,
          "OpenStdin": false,
          "StopSignal": "SIGTERM",
          "Healthcheck": {"Test": ["NONE"]},
          "Labels": {
            "invok.owner": "0123456789abcdef",
            "invok.kind": "instance",
            "invok.namespace": "11111111-2222-4333-8444-555555555555",
            "invok.function": "hello",
            "invok.version": "3",
            "invok.instance": "hello-cf4c4732fd3b8f8a55b6-3-7",
            "invok.memory-mb": "128",
            "invok.millicpus": "1000", "invok.generation": "0"
          },
          "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": true,
            "Privileged": false,
            "PublishAllPorts": false,
            "AutoRemove": false,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "Init": false,
            "RestartPolicy": {"Name": "no"},
            "ShmSize": 16777216,
            "Mounts": [
              {
                "Type": "bind", "Source": "/data/bundles/b", "Target": "/bundle", "ReadOnly": true,
                "BindOptions": {"Propagation": "rprivate"}
              },
              {
                "Type": "bind", "Source": "/data/run/r/in", "Target": "/run/invok", "ReadOnly": true,
                "BindOptions": {"Propagation": "rprivate"}
              }
            ],
            "Tmpfs": {"/tmp": "rw,nosuid,nodev,exec,size=67108864,mode=1777,uid=43854,gid=43854"},
            "Memory": 134217728,
            "MemorySwap": 134217728,
            "NanoCpus": 1000000000,
            "CpuShares": 1024,
            "PidsLimit": 257,
            "Ulimits": [
              {"Name": "core", "Soft": 0, "Hard": 0},
              {"Name": "fsize", "Soft": 67108864, "Hard": 67108864},
              {"Name": "nofile", "Soft": 1024, "Hard": 1024}
            ],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "4m", "max-file": "2"}}
          }
        }
        """#
}
