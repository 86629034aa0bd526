/// Packages of Go's standard library that are worth compiling before anybody waits for them.
public enum GoPackages {
    /// What every function needs: the imports of the shim and of the template.
    public static let template = [
        "bufio", "bytes", "context", "encoding/json", "errors", "fmt", "io", "net", "net/http", "os", "os/signal",
        "runtime/debug", "strings", "syscall", "time/tzdata",
    ]

    /// What functions often need beyond that.
    public static let usual = [
        "compress/gzip", "crypto/hmac", "crypto/rand", "crypto/sha256", "embed", "encoding/base64",
        "encoding/csv", "encoding/hex", "encoding/xml", "html/template", "image/png", "log", "log/slog", "maps",
        "math/big", "math/rand/v2", "net/url", "path/filepath", "regexp", "slices", "sort", "strconv",
        "sync/atomic", "text/template", "time", "unicode/utf8",
    ]

    /// Compiles packages into the build cache with the flags that a function's build has, and keeps nothing else.
    public static func plan(_ packages: [String]) -> BuildPlan {
        BuildPlan(
            files: ["go.mod": Array(GoModule.text(path: "invok/packages").utf8)],
            command: ["go", "build"] + GoRecipe.compilerFlags + packages,
            environment: GoRecipe.environment(isVendored: false), output: .everything)
    }
}
