import InvokModel
import InvokTemplates

/// A new function's folder. Making it never overwrites anything.
struct NewProject {
    let name: FunctionName
    let runtime: Runtime

    /// Writes the folder and adds the function to the list beside it.
    /// - Returns: the paths of the new files, relative to the directory, and whether the list could be kept: a
    ///   `config.json` that is something else stays as it is.
    func write(in directory: String) throws(Failure) -> (paths: [String], isListed: Bool) {
        let folder = directory + "/\(name)"
        if try Files.status(folder) != nil {
            throw Failure(
                "conflict", "./\(name) exists already, and nothing is overwritten",
                nextStep: "choose another name, or deploy it with 'invok deploy -n \(name)'")
        }
        let listBytes = try Files.read(FunctionList.path(directory))
        let list = try FunctionList.read(directory)
        try Files.makeDirectory(folder)
        let files = FunctionTemplate(name: name, runtime: runtime).files
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            if let slash = path.lastIndex(of: "/") {
                try Files.ensureDirectory(folder + "/" + path[..<slash], mode: 0o755)
            }
            try Files.create(folder + "/" + path, content: Array(text.utf8))
        }
        let isListed = listBytes == nil || list != nil
        if isListed {
            let others = (list?.names ?? []).filter { $0 != name.description }
            try FunctionList(names: others + [name.description], runtime: runtime.rawValue).write(directory)
        }
        return (files.keys.sorted().map { "\(name)/\($0)" }, isListed)
    }
}
