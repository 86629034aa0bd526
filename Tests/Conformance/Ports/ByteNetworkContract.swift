import Invok
import InvokProxy
import NIOCore
import Synchronization
import TestSupport
import Testing

/// What every `ByteNetwork` promises.
@Suite(.timeLimit(.minutes(3)))
struct ByteNetworkContract {
    /// Connects, and has a script at each end.
    private static func connect(
        _ fixture: NetworkFixture, server: @escaping @Sendable (ByteConnection) async throws -> Void,
        client: @escaping @Sendable (ByteConnection) async throws -> Void
    ) async throws {
        let (accepted, continuation) = AsyncStream<ByteConnection>.makeStream()
        let (address, listener) = try await listen(fixture) { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await connection in accepted {
                    try await server(connection)
                    try? await connection.close()
                    return
                }
            }
            group.addTask {
                let connection = try await dial(fixture, address)
                try await client(connection)
                try? await connection.close()
            }
            try await group.waitForAll()
        }
        await listener.close()
    }

    private static func listen(
        _ fixture: NetworkFixture, _ accept: @escaping @Sendable (ByteConnection) -> Void
    ) async throws -> (NetworkAddress, NetworkListener) {
        let address = fixture.freeAddress()
        let listener = try await fixture.network.listen(on: address) { channel in
            channel.eventLoop.makeCompletedFuture { try ByteConnection.attach(to: channel, whenActive: accept) }
        }
        guard case .host(let name, _) = address, let port = listener.port else { return (address, listener) }
        return (.host(name, port: port), listener)
    }

    private static func dial(_ fixture: NetworkFixture, _ address: NetworkAddress) async throws -> ByteConnection {
        let (made, continuation) = AsyncStream<ByteConnection>.makeStream()
        _ = try await fixture.network.connect(
            to: address, on: fixture.network.eventLoops.next(), timeout: .seconds(5)
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                try ByteConnection.attach(to: channel) { continuation.yield($0) }
            }
        }.get()
        for await connection in made { return connection }
        throw CancellationError()
    }

    private static func pattern(_ count: Int, _ seed: UInt8 = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) ^ seed }
    }

    // MARK: Bytes

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func bytesComeInTheirOrderBothWays(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let (there, back) = (Self.pattern(150_000), Self.pattern(90_000, 7))
            try await Self.connect(fixture) { server in
                let received = try await server.bytes(there.count)
                #expect(received == there)
                try await server.write(back)
            } client: { client in
                var rest = there[...]
                var size = 1
                while !rest.isEmpty {
                    try await client.write(Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    size = size * 3 % 20_011 + 1
                }
                let received = try await client.bytes(back.count)
                #expect(received == back)
            }
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func bothSidesMaySendMuchAtOnce(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let bytes = Self.pattern(700_000)
            let talk = { @Sendable (connection: ByteConnection) async throws in
                async let sent: Void = connection.write(bytes)
                let received = try await connection.bytes(bytes.count)
                #expect(received == bytes)
                try await sent
            }
            try await Self.connect(fixture, server: talk, client: talk)
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func connectionsAreApart(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let (accepted, continuation) = AsyncStream<ByteConnection>.makeStream()
            let (address, listener) = try await Self.listen(fixture) { continuation.yield($0) }
            let servers = Task {
                await withDiscardingTaskGroup { group in
                    for await connection in accepted {
                        group.addTask {
                            // What ends early is seen by the other side.
                            guard let line = try? await connection.bytes(through: "\n") else { return }
                            try? await connection.write(line)
                            try? await connection.close()
                        }
                    }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let client = try await Self.dial(fixture, address)
                        try await client.write("client \(number)\n")
                        let received = try await client.rest()
                        #expect(received == Array("client \(number)\n".utf8))
                        try? await client.close()
                    }
                }
                try await group.waitForAll()
            }
            continuation.finish()
            await servers.value
            await listener.close()
        }
    }

    // MARK: Ends

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func whoHasEndedItsSendingMayStillRead(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            try await Self.connect(fixture) { server in
                let received = try await server.rest()
                #expect(received == Array("question".utf8))
                try await server.write("answer")
            } client: { client in
                try await client.write("question")
                try await client.finish()
                let received = try await client.rest()
                #expect(received == Array("answer".utf8))
            }
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func aConnectionThatWasAskedForEndsWithTheOtherSide(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            try await Self.connect(fixture) { server in
                try await server.write("all")
                try await server.finish()
                // It is closed, not only half of it.
                try await server.closed()
            } client: { client in
                let received = try await client.rest()
                #expect(received == Array("all".utf8))
                await #expect(throws: (any Error).self) { try await client.write("late") }
            }
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func anEndComesBehindWhatWasSent(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let bytes = Self.pattern(300_000)
            try await Self.connect(fixture) { server in
                let received = try await server.rest()
                #expect(received == bytes)
            } client: { client in
                try await client.write(bytes)
                try await client.finish()
                try await client.closed()
            }
        }
    }

    /// With bytes unread the connection is reset, and whoever writes on is told.
    @Test(arguments: Candidate<NetworkFixture>.networks)
    func whoClosesWithBytesUnreadResets(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            try await Self.connect(fixture) { server in
                _ = try await server.bytes(1)
                try await server.close()
            } client: { client in
                await #expect(throws: (any Error).self) {
                    for _ in 0..<1000 { try await client.write(Self.pattern(100_000)) }
                }
            }
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func ofWhatIsUnsentAtACloseABeginningArrives(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let bytes = Self.pattern(fixture.large)
            let hasClosed = Gate()
            try await Self.connect(fixture) { server in
                await hasClosed.pass()
                var received: [UInt8] = []
                // A reset ends it too.
                while let more = try? await server.bytes(1000) { received += more }
                #expect(received.count < bytes.count)
                #expect(bytes.starts(with: received))
            } client: { client in
                let writing = Task { try? await client.write(bytes) }
                // The system has taken what it takes.
                while client.isWritable { await Task.yield() }
                try await client.close()
                await writing.value
                hasClosed.open()
            }
        }
    }

    // MARK: Backpressure

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func whoDoesNotReadHoldsTheOtherSideBack(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            for isServerSlow in [true, false] {
                let hasWritten = Atomic(false)
                let slow = { @Sendable (connection: ByteConnection) async throws in
                    _ = try await connection.bytes(1)
                    let isTaken = hasWritten.load(ordering: .relaxed)
                    #expect(!isTaken, "the network keeps what nobody reads")
                    let received = try await connection.skip(fixture.large - 1)
                    #expect(received == fixture.large - 1)
                }
                let quick = { @Sendable (connection: ByteConnection) async throws in
                    try await connection.write([UInt8](repeating: 1, count: fixture.large))
                    hasWritten.store(true, ordering: .relaxed)
                    try await connection.closed()
                }
                try await Self.connect(
                    fixture, server: isServerSlow ? slow : quick, client: isServerSlow ? quick : slow)
            }
        }
    }

    // MARK: Listening

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func nobodyListensNobodyConnects(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let (address, listener) = try await Self.listen(fixture) { _ in }
            await listener.close()
            await #expect(throws: (any Error).self) { _ = try await Self.dial(fixture, address) }
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func twoDoNotListenAtOnePlace(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let (address, listener) = try await Self.listen(fixture) { _ in }
            await #expect(throws: IOError.self) {
                _ = try await fixture.network.listen(on: address) { $0.eventLoop.makeSucceededVoidFuture() }
            }
            await listener.close()
        }
    }

    @Test(arguments: Candidate<NetworkFixture>.networks)
    func connectionsOutliveTheirListener(_ candidate: Candidate<NetworkFixture>) async throws {
        try await candidate.run { fixture in
            let (accepted, continuation) = AsyncStream<ByteConnection>.makeStream()
            let (address, listener) = try await Self.listen(fixture) { continuation.yield($0) }
            let client = try await Self.dial(fixture, address)
            try await client.write("before ")
            for await server in accepted {
                await listener.close()
                try await client.write("after\n")
                let received = try await server.text(through: "\n")
                #expect(received == "before after\n")
                try await server.close()
                break
            }
            try? await client.close()
        }
    }
}
