import Foundation
import PackagePlugin

/// Compiles `invok-init` with the toolchain's own C compiler and puts its bytes into the target.
@main struct EmbedInit: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let program = target.directoryURL.appending(path: "Program")
        let (script, source) = (program.appending(path: "embed.sh"), program.appending(path: "init.c"))
        let output = context.pluginWorkDirectoryURL
        return [
            .buildCommand(
                displayName: "Embedding invok-init", executable: URL(filePath: "/bin/sh"),
                arguments: [
                    script.path(), try context.tool(named: "clang").url.path(), output.path(), source.path(),
                ],
                inputFiles: [script, source]
                    + ["calls.h", "forward.h", "sockets.h"].map { program.appending(path: $0) },
                outputFiles: [output.appending(path: "InitProgram.swift")])
        ]
    }
}
