import InvokModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A function's folder on this machine.
struct ProjectFolder: Hashable, Sendable {
    let path: String
    let name: FunctionName

    /// Finds the project of a function: the folder with its name, or the current one.
    /// - Parameters:
    ///   - name: `nil`: the current folder's.
    ///   - directory: the current folder.
    static func find(_ name: FunctionName?, in directory: String) throws(Failure) -> ProjectFolder {
        guard let name else {
            guard let here = try current(directory) else { throw unnamed(directory) }
            return here
        }
        if try functionName(in: directory + "/\(name)") != nil {
            return ProjectFolder(path: directory + "/\(name)", name: name)
        }
        if let here = try current(directory), here.name == name { return here }
        if try Files.status(directory + "/\(name)") != nil {
            throw Failure(
                "not_found", "the folder ./\(name) has no config.json that names a function",
                nextStep: "write {\"function_name\": \"\(name)\", \"runtime\": \"…\"} into ./\(name)/config.json")
        }
        let known = (try? FunctionList.read(directory))??.names ?? []
        let nearest = Suggestion.nearest(to: name.description, among: known)
        throw Failure(
            "not_found", "there is no folder ./\(name) here",
            nextStep: nearest.map { "did you mean 'invok deploy -n \($0)'?" }
                ?? "make it with 'invok create -n \(name)', or go to the folder that holds it")
    }

    /// The name of the function whose project the folder is.
    static func currentName(_ directory: String) throws(Failure) -> FunctionName {
        guard let here = try current(directory) else { throw unnamed(directory) }
        return here.name
    }

    private static func current(_ directory: String) throws(Failure) -> ProjectFolder? {
        guard let text = try functionName(in: directory) else { return nil }
        do {
            return ProjectFolder(path: directory, name: try FunctionName(text))
        } catch {
            throw Failure(error)
        }
    }

    /// The string `function_name` of a folder's `config.json`; `nil` where there is no such file or no such string.
    private static func functionName(in folder: String) throws(Failure) -> String? {
        struct Named: Decodable { var function_name: String }
        guard let bytes = try Files.read(folder + "/" + FunctionConfig.fileName) else { return nil }
        if let named = try? JSONDecoder().decode(Named.self, from: Data(bytes)) { return named.function_name }
        if try FunctionList.read(folder) != nil { return nil }
        // Neither a project nor a list: the full check says what is wrong with it.
        do {
            return try FunctionConfig(json: bytes).name.description
        } catch {
            throw Failure(error)
        }
    }

    private static func unnamed(_ directory: String) -> Failure {
        let known = (try? FunctionList.read(directory))??.names ?? []
        return .usage(
            "which function? This folder is not a function's project",
            nextStep: known.isEmpty
                ? "name it with -n NAME" : "name it: " + known.prefix(5).map { "-n \($0)" }.joined(separator: " or "))
    }
}

/// The `config.json` of a folder that holds projects: the functions that were made there.
struct FunctionList: Hashable {
    var names: [String]
    var runtime: String

    /// Reads the list of a folder.
    /// - Returns: `nil` where there is no `config.json`, or one that is something else.
    static func read(_ directory: String) throws(Failure) -> FunctionList? {
        guard let bytes = try Files.read(path(directory)),
            let document = try? JSONDecoder().decode(Document.self, from: Data(bytes))
        else { return nil }
        return FunctionList(names: document.function_name, runtime: document.runtime ?? Runtime.go.rawValue)
    }

    /// Replaces the list of a folder.
    func write(_ directory: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(Document(function_name: names, runtime: runtime)) else {
            throw .file(Self.path(directory), "write", "it cannot be encoded")
        }
        try Files.replace(Self.path(directory), content: Array(data) + [UInt8(ascii: "\n")], mode: 0o644)
    }

    static func path(_ directory: String) -> String { directory + "/" + FunctionConfig.fileName }

    private struct Document: Codable {
        var function_name: [String]
        var runtime: String?
    }
}
