import Invok

/// Python: the source and the packages beside it are the bundle, with Invok's own server in `.invok/`.
struct PythonRecipe: Recipe {
    let version = 5
    /// `-S` leaves out the machine's own packages, so that a function runs with what it brings; `-B` writes no caches.
    let launch = LaunchPlan(command: ["python3", "-S", "-B", "/bundle/.invok/shim.py"])

    /// `-I` keeps the project's modules, and what variables name, out of the script: nothing of it runs in the build.
    func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan {
        var files = source.files
        for (name, content) in Self.shim { files["\(BuildPlan.shimFolder)/\(name)"] = content }
        return BuildPlan(
            files: files, executables: source.executables,
            command: ["python3", "-I", "-S", "-B", "\(BuildPlan.shimFolder)/build.py"],
            environment: source.entryVariables, output: .everything)
    }

    func failureReason(log: String, of name: FunctionName) -> String {
        BuildPlan.sentence(in: log) ?? "the function does not build"
    }

    private static let shim = [
        "shim.py": PackageResources.shim_py,
        "build.py": PackageResources.build_py,
        "invok.py": PackageResources.invok_py,
        "invok_answer.py": PackageResources.invok_answer_py,
        "invok_check.py": PackageResources.invok_check_py,
        "invok_entry.py": PackageResources.invok_entry_py,
        "invok_lambda.py": PackageResources.invok_lambda_py,
        "invok_http.py": PackageResources.invok_http_py,
        "invok_output.py": PackageResources.invok_output_py,
        "invok_server.py": PackageResources.invok_server_py,
        "invok_function.py": PackageResources.invok_function_py,
        "invok_wsgi.py": PackageResources.invok_wsgi_py,
        "invok_asyncio.py": PackageResources.invok_asyncio_py,
    ]
}
