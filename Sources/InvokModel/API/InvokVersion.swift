/// The release that the server and the CLI belong to, semantic versioning 2.0.0.
public enum InvokVersion {
    public static let current = "0.1.0"
}
