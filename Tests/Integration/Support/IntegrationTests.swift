import Testing

/// All suites here share one server and run one after another: builds and instances side by side would measure the
/// machine.
@Suite(.server, .serialized)
enum IntegrationTests {}
