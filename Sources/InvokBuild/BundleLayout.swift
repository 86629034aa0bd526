import Glibc
import Invok
import InvokPOSIX
import InvokRuntimes

/// Where in a bundle its program is.
package enum BundleLayout {
    /// Gives the programs of bundles that an older Invok made the place that they have now, beside the old one, which
    /// instances of before may have open. Its calls block on the disk.
    /// - Parameter directory: where the bundles lie, each by its digest.
    package static func renew(in directory: String) throws(SystemError) {
        for name in Files.names(in: directory) where Digest(name) != nil {
            let bundle = "\(directory)/\(name)"
            guard Files.names(in: bundle) == [BuildPlan.programName] else { continue }
            let folder = "\(bundle)/\(BuildPlan.shimFolder)"
            let new = "\(bundle)/\(BuildPlan.shimFolder).new"
            try Files.removeTree(new)
            try Files.makeDirectory(new, mode: 0o755)
            guard link("\(bundle)/\(BuildPlan.programName)", "\(new)/\(BuildPlan.programName)") == 0 else {
                throw SystemError("link", bundle)
            }
            try Files.rename(new, to: folder)
            try Files.synchronize(bundle)
        }
    }
}
