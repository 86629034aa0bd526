/// Why a database is not this Invok's store.
package enum SchemaError: Error, Hashable, Sendable {
    case newer(found: Int, known: Int)
    case differs(number: Int)
    /// It is another program's.
    case foreign

    /// What is wrong, as the rest of a sentence about the database.
    package var message: String {
        switch self {
        case .newer(let found, let known):
            "its schema is version \(found), newer than version \(known), which this Invok knows"
        case .differs(let number): "its schema's step \(number) is not the one that this Invok knows"
        case .foreign: "it has the tables of another program"
        }
    }

    /// - Parameter ownDatabase: how the operator gives Invok a database of its own.
    package func nextStep(ownDatabase: String) -> String {
        switch self {
        case .newer: "start the Invok that wrote it, or a newer one"
        case .differs: "start the Invok that wrote it, or restore a backup"
        case .foreign: ownDatabase
        }
    }
}
