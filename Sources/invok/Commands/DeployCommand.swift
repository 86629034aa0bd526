import ArgumentParser
import AsyncHTTPClient
import InvokModel
import NIOHTTP1

struct DeployCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Deploy a function's folder; the URL is printed.",
        discussion: """
            Deploys ./NAME, or the current folder when that is the project. Left out are .git, caches, .venv, editor \
            files, what .invokignore names (written as .gitignore is), and what looks like your own secrets (.env, \
            private keys, .npmrc, .aws, …) unless --include names it. Links inside the project are followed. --dry-run \
            lists what would go and what would not.
            Example: invok deploy -n hello --public --watch
            """)

    @OptionGroup var function: FunctionOptions

    @Flag(exclusivity: .exclusive, help: "Who may call it; without either it stays as it is.")
    var access: AccessFlag?

    @Flag(name: .shortAndLong, help: "Go on: deploy again on each save, and show the function's log.")
    var watch = false

    @Option(
        help: ArgumentHelp(
            "Upload what looks like a secret and is left out otherwise; may be repeated.", valueName: "glob"))
    var include: [String] = []

    @Flag(help: "List what would be uploaded and what is left out; nothing is sent.")
    var dryRun = false

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if dryRun, watch { throw ValidationError("Give either --dry-run or --watch.") }
    }

    enum AccessFlag: String, EnumerableFlag {
        case `public`, `private`

        var access: Access { self == .public ? .public : .private }

        static func help(for value: AccessFlag) -> ArgumentHelp? {
            value == .public ? "Anybody who knows the URL may call it." : "Only those with a login may call it."
        }
    }

    func run(in context: Context) async throws -> ExitStatus {
        let name = try function.name.map(FunctionOptions.checked)
        let project = try ProjectFolder.find(name, in: context.directory)
        let limits = try Deployer.limits(context.environment)
        let archive = try Deployer.pack(project, limits: limits, including: include)
        if dryRun {
            try DryRun(name: project.name, archive: archive).show(on: context.console)
            return .success
        }
        if !archive.secrets.isEmpty {
            let names = archive.secrets.prefix(5).joined(separator: ", ") + (archive.secrets.count > 5 ? ", …" : "")
            context.console.warn("left out, since it looks like secrets: \(names); --include uploads what you name")
        }
        try await context.withAccount { account in
            let deployer = Deployer(
                client: account.client, console: context.console, project: project, limits: limits, included: include,
                namespace: try await account.namespace(function.namespace), access: access?.access)
            if watch {
                try await DeployWatch(deployer: deployer).run(first: archive)
            } else {
                try deployer.show(try await deployer.deploy(archive), of: archive)
            }
        }
        return .success
    }
}

/// Uploads a project and shows what became of it.
struct Deployer: Sendable {
    let client: APIClient
    let console: Console
    let project: ProjectFolder
    let limits: ArchiveLimits
    let included: [String]
    let namespace: Namespace
    let access: Access?

    /// The caps on a project. `MAX_FUNCTION_SIZE` raises or lowers the first as it does for the server.
    static func limits(_ environment: [String: String]) throws(Failure) -> ArchiveLimits {
        guard let text = environment["MAX_FUNCTION_SIZE"], !text.isEmpty else { return ArchiveLimits() }
        guard let bytes = Int(text), bytes > 0 else {
            throw .usage("MAX_FUNCTION_SIZE is '\(text)'", nextStep: "set it to a number of bytes")
        }
        return ArchiveLimits(archiveBytes: bytes)
    }

    /// Packs a project and sees that it is the function that was named.
    static func pack(
        _ project: ProjectFolder, limits: ArchiveLimits, including included: [String]
    ) throws(Failure) -> ProjectArchive {
        let archive = try ProjectArchive(folder: project.path, limits: limits, including: included)
        guard archive.config.name == project.name else {
            throw Failure(
                "invalid_config",
                "config.json in the folder of '\(project.name)' names the function '\(archive.config.name)'",
                nextStep: "let both be the same")
        }
        return archive
    }

    /// - Throws: `Failure` with the build log where the source does not build.
    func deploy(_ archive: ProjectArchive) async throws -> DeployResponse {
        let form = Multipart(fileName: "\(project.name).zip", content: archive.bytes)
        let query = [("namespace", Optional("\(namespace)")), ("access", access?.rawValue)]
        var request = client.request(.POST, "/invok/deploy", query: query, form: form)
        request.headers.add(name: "Accept", value: "text/event-stream, application/json")
        let size = ByteCount.text(archive.bytes.count)
        let label = "Deploying \(project.name) (\(ByteCount.files(archive.files.count)), \(size))"
        Interrupt.means("Nothing was deployed: not all of it was sent.\n")
        defer { Interrupt.means("") }
        return try await console.progress(label, sending: form.transfer) {
            let response = try await client.send(request, timeout: .seconds(15 * 60))
            Interrupt.means("The server goes on with the deploy: see what becomes of it with 'invok versions'.\n")
            return try await DeployEvents(client: client, console: console).read(response)
        }
    }

    func show(_ answer: DeployResponse, of archive: ProjectArchive) throws {
        guard !console.isJSON else { return try console.json(answer) }
        console.note("\(answer.name) version \(answer.version) is active, \(answer.access.rawValue)")
        console.result("\(client.host)\(answer.path)")
    }
}
