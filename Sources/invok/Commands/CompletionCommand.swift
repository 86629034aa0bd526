import ArgumentParser

struct CompletionCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: """
            bash: invok completion bash > ~/.local/share/bash-completion/completions/invok
            zsh:  invok completion zsh > a folder of $fpath, as _invok
            fish: invok completion fish > ~/.config/fish/completions/invok.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        guard let shell = CompletionShell(rawValue: shell.rawValue) else { return .failure }
        context.console.write(Array((InvokCommand.completionScript(for: shell) + "\n").utf8))
        return .success
    }
}
