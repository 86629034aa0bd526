public import InvokModel

/// What a new function's folder begins with.
public struct FunctionTemplate: Sendable {
    public let name: FunctionName
    public let runtime: Runtime

    public init(name: FunctionName, runtime: Runtime) {
        self.name = name
        self.runtime = runtime
    }

    /// The files by their path in the folder: `config.json`, the source file and the module file.
    public var files: [String: String] {
        var files = sources
        files[FunctionConfig.fileName] = """
            {
              "function_name": "\(name)",
              "runtime": "\(runtime.rawValue)",
              "env": {}
            }

            """
        return files
    }

    /// The source file and the module file, text by path.
    public var sources: [String: String] {
        switch runtime {
        case .go: go
        case .python: python
        case .nodejs: nodeJS
        }
    }
}
