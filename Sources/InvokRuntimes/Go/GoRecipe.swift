import Invok

/// Go: the user's `package main`, a generated `main` and the server package become one static binary.
struct GoRecipe: Recipe {
    let version = 2
    let launch = LaunchPlan(command: ["/bundle/function"])

    /// The user's files lie in a folder of their own, so that none of them is in the way of the binary.
    private static let sourceFolder = "src"
    /// The largest `go.mod` or `vendor/modules.txt`.
    private static let maximumModuleBytes = 4 << 20

    /// The module is `invok/NAME`, since one named `time` or `log` would hide a package of Go itself.
    func template(for name: FunctionName) -> [String: String] {
        let handler = Self.handlerName(of: name)
        return [
            "function.go": """
            package main

            import (
            \t"fmt"
            \t"net/http"
            )

            // \(handler) answers every request for /\(name) and the paths below it.
            func \(handler)(w http.ResponseWriter, r *http.Request) {
            \tfmt.Fprintln(w, "Hello from \(name)!")
            }

            """,
            "go.mod": GoModule.text(path: "invok/\(name)"),
        ]
    }

    func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan {
        var files = source.files
        let name = source.config.name
        let module: String
        if let given = try read("go.mod", of: source) {
            guard let path = GoModule.path(in: given) else {
                throw .failed(reason: "go.mod has no module line; start it with 'module \(name)'", log: "")
            }
            module = path
        } else {
            do throws(InvokError) {
                module = try GoModule.inferredPath(from: files) ?? "invok/\(name)"
            } catch {
                throw BuildError(reading: error)
            }
            let vendored = try read("vendor/modules.txt", of: source)
            files["go.mod"] = Array(GoModule.text(path: module, vendored: vendored).utf8)
        }
        let package = Self.unusedName(in: files, suffix: "")
        let main = Self.unusedName(in: files, suffix: "_main.go")
        files["\(package)/serve.go"] = PackageResources.shim_go
        files[main] = Array(Self.main(handler: Self.handlerName(of: name), import: "\(module)/\(package)").utf8)

        let isVendored = files["vendor/modules.txt"] != nil
        return BuildPlan(
            files: Dictionary(uniqueKeysWithValues: files.map { ("\(Self.sourceFolder)/\($0.key)", $0.value) }),
            command: ["go", "build", "-C", Self.sourceFolder] + Self.compilerFlags
                + ["-ldflags=-s -w", "-o", "../function", "."],
            environment: Self.environment(isVendored: isVendored),
            output: .file("function"))
    }

    /// A file that says how to build, if there is one.
    private func read(_ path: String, of source: SourceArchive) throws(BuildError) -> [UInt8]? {
        guard let file = source.files[path] else { return nil }
        do throws(InvokError) {
            if let bytes = try file.whole(upTo: Self.maximumModuleBytes) { return bytes }
        } catch {
            throw BuildError(reading: error)
        }
        throw .failed(reason: "\(path) is larger than \(Self.maximumModuleBytes >> 20) MiB", log: "")
    }

    /// What packages are compiled with must be the same for all, or none would find another's in the build cache.
    static let compilerFlags = ["-trimpath", "-buildvcs=false"]

    static func environment(isVendored: Bool) -> [String: String] {
        [
            "CGO_ENABLED": "0", "GOENV": "off", "GOFLAGS": isVendored ? "-mod=vendor" : "-mod=mod",
            "GOPROXY": "off", "GOSUMDB": "off", "GOTELEMETRY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off",
        ]
    }

    func failureReason(log: String, of name: FunctionName) -> String {
        let handler = Self.handlerName(of: name)
        func says(_ text: String) -> Bool { log.contains(text) }
        if says("undefined: \(handler)") {
            return "function.go has no func \(handler)(w http.ResponseWriter, r *http.Request), which '\(name)' needs"
        }
        if says("cannot use \(handler)") {
            return "\(handler) must be func \(handler)(w http.ResponseWriter, r *http.Request)"
        }
        if says("main redeclared in this block") {
            return "the function has a func main, which Invok adds itself; remove it or rename it"
        }
        if says("ambiguous import: found package") {
            return "the module in go.mod is named like a package of Go itself; rename it, as to 'module invok/\(name)'"
        }
        if says("found packages ") {
            return "the files beside function.go must all be of package main"
        }
        if says("requires go >=") || says("requires go1.") {
            return "go.mod asks for a newer Go than this server has; lower its go line"
        }
        if says("GOPROXY=off") || says("vendor/modules.txt") || says("cannot find module")
            || says("missing go.sum entry")
        {
            return "modules cannot be fetched during a build; run 'go mod vendor' and deploy with the vendor folder"
        }
        return "the function does not compile"
    }

    /// The function that serves `hello-world` is `HelloWorldHandler`.
    static func handlerName(of name: FunctionName) -> String {
        let words = name.description.split(separator: "-")
        return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Handler"
    }

    /// Imports and package-level names share one space in Go, so the alias is one that nobody writes.
    private static func main(handler: String, import path: String) -> String {
        """
        // Code generated by Invok. DO NOT EDIT.

        package main

        import invokShim__ "\(path)"

        func main() { invokShim__.Serve(\(handler)) }

        """
    }

    private static func unusedName(in files: [String: any ByteStream], suffix: String) -> String {
        let taken = Set(files.keys.map { $0.prefix { $0 != "/" }.lowercased() })
        let names = (1...taken.count + 1).map { ($0 == 1 ? "invokshim" : "invokshim\($0)") + suffix }
        return names.first { !taken.contains($0) } ?? "invokshim\(suffix)"
    }
}
