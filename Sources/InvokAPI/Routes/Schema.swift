/// A JSON Schema (draft 2020-12), as far as the API needs it.
indirect enum Schema: Sendable, Encodable {
    case value(type: String, format: String?, oneOf: [String]?)
    case array(Schema)
    case map(Schema)
    case object([Property])
    case reference(String)
    case either([Schema])

    struct Property: Sendable {
        let name: String
        let schema: Schema
        var isRequired = true
    }

    static let string = Schema.value(type: "string", format: nil, oneOf: nil)
    static let uuid = Schema.value(type: "string", format: "uuid", oneOf: nil)
    static let dateTime = Schema.value(type: "string", format: "date-time", oneOf: nil)
    static let binary = Schema.value(type: "string", format: "binary", oneOf: nil)
    static let integer = Schema.value(type: "integer", format: nil, oneOf: nil)
    static let number = Schema.value(type: "number", format: nil, oneOf: nil)
    static let boolean = Schema.value(type: "boolean", format: nil, oneOf: nil)
    static func string(oneOf values: [String]) -> Schema { .value(type: "string", format: nil, oneOf: values) }

    private enum Key: String, CodingKey {
        case type, format, items, properties, required, additionalProperties, anyOf
        case oneOf = "enum"
        case reference = "$ref"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .value(let type, let format, let values):
            try container.encode(type, forKey: .type)
            try container.encodeIfPresent(format, forKey: .format)
            try container.encodeIfPresent(values, forKey: .oneOf)
        case .array(let element):
            try container.encode("array", forKey: .type)
            try container.encode(element, forKey: .items)
        case .map(let value):
            try container.encode("object", forKey: .type)
            try container.encode(value, forKey: .additionalProperties)
        case .object(let properties):
            try container.encode("object", forKey: .type)
            let schemas = properties.map { ($0.name, $0.schema) }
            try container.encode(Dictionary(schemas, uniquingKeysWith: { $1 }), forKey: .properties)
            let required = properties.filter(\.isRequired).map(\.name)
            if !required.isEmpty { try container.encode(required, forKey: .required) }
        case .reference(let name): try container.encode("#/components/schemas/\(name)", forKey: .reference)
        case .either(let schemas): try container.encode(schemas, forKey: .anyOf)
        }
    }
}
