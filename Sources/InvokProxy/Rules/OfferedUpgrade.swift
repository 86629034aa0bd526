import HTTPTypes

extension HTTPRequest {
    /// The value of `Upgrade` that a function gets; `nil` where it is offered nothing. Whether the request may have one by its
    /// version, method and body was decided where it was read, which has taken the field out else.
    package var offeredUpgrade: String? {
        let bytes = { (name: HTTPField.Name) in headerFields[values: name].map { Array($0.utf8)[...] } }
        let offer = UpgradeRules.offer(bytes(.upgrade), connection: bytes(.connection))
        return offer.map { String(decoding: $0, as: UTF8.self) }
    }
}
