import Invok
import InvokProxy
import InvokSim
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The simulated network: who listens where, and how connections between them behave, which follows from the seed.
///
/// Used on the simulation's thread only.
package final class SimNetwork: @unchecked Sendable {
    /// Who connects.
    package struct Caller: Sendable {
        package var address: SocketAddress?
        /// The core that it is; `nil` for everybody else.
        package var core: SimCore?

        package init(address: SocketAddress? = nil, core: SimCore? = nil) {
            self.address = address
            self.core = core
        }
    }

    /// Takes a connection that has come.
    package typealias Accept = (_ socket: SimSocket, _ from: Caller) -> Void
    /// Says who takes a connection that was asked for at an instant; `nil` where nobody does.
    package typealias Listener = (_ address: NetworkAddress, _ from: Caller, _ asked: Instant) -> Accept?

    package let clock: SimClock
    private let faults: SimFaultPlan?
    private var links: SimGenerator
    private var incidents: SimGenerator
    private var listeners: [NetworkAddress: (number: Int, accept: Accept)] = [:]
    private var others: [Listener] = []
    private var lastNumber = 0
    private var lastPort = 20_000
    private var hosts: [Int: SimHost] = [:]

    /// - Parameter faults: `nil` for a network without faults.
    package init(seed: UInt64, clock: SimClock, faults: SimFaultPlan? = nil) {
        self.clock = clock
        self.faults = faults
        let root = SimRandomness(seed: seed)
        links = root.stream("links").generator
        incidents = root.stream("incidents").generator
    }

    private func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// A process on the network.
    /// - Parameters:
    ///   - core: for whom it works; `nil` for what lies outside of all cores.
    ///   - loops: how many event loops it has.
    package func host(_ name: String, core: SimCore? = nil, loops: Int = 2) -> SimHost {
        let host = SimHost(name: name, core: core, loops: loops, clock: clock)
        hosts[nextNumber()] = host
        return host
    }

    /// Ends all processes.
    package func end() {
        for host in hosts.sorted(by: { $0.key < $1.key }).map(\.value) { host.end() }
        hosts = [:]
    }

    // MARK: Listening

    /// - Returns: what to give to `close`; `nil` when somebody listens there.
    package func listen(on address: NetworkAddress, _ accept: @escaping Accept) -> Int? {
        guard listeners[address] == nil else { return nil }
        let number = nextNumber()
        listeners[address] = (number, accept)
        return number
    }

    package func close(_ listener: Int, on address: NetworkAddress) {
        if listeners[address]?.number == listener { listeners[address] = nil }
    }

    /// Asks somebody who listens, where nobody has said so before.
    package func ask(_ listener: @escaping Listener) { others.append(listener) }

    private func accept(at address: NetworkAddress, _ from: Caller, asked: Instant) -> Accept? {
        if let listener = listeners[address] { return listener.accept }
        for other in others { if let accept = other(address, from, asked) { return accept } }
        return nil
    }

    func freePort() -> Int {
        lastPort += 1
        return lastPort
    }

    // MARK: Connecting

    /// How a connection that was asked for came about.
    package enum Dial {
        case connected(SimSocket)
        /// Nobody listens there, or whoever does takes none.
        case refused
        /// No answer comes.
        case lost
    }

    /// Connects.
    /// - Parameters:
    ///   - address: where to.
    ///   - from: who connects.
    ///   - done: called once, later.
    package func connect(
        to address: NetworkAddress, from: Caller = Caller(), _ done: @escaping @Sendable (Dial) -> Void
    ) {
        var latency = links.duration(below: .microseconds(100))
        let fault = faults?.draw(for: "network.connect")
        if fault == .slow { latency = latency + .seconds(2) }
        let asked = clock.now()
        _ = clock.call(at: asked.advanced(by: latency)) { [self] in
            guard fault != .timedOut else { return done(.lost) }
            guard fault != .refused, let accept = accept(at: address, from, asked: asked) else { return done(.refused) }
            let (near, far) = link()
            accept(far, from)
            done(.connected(near))
        }
    }

    /// Both ends of a new connection.
    package func link() -> (SimSocket, SimSocket) {
        var random = SimGenerator(seed: links.next())
        let manner = SimManner.draw(&random)
        let there = SimPipe(manner, seed: random.next(), clock: clock)
        let back = SimPipe(manner, seed: random.next(), clock: clock)
        let (near, far) = SimSocket.pair(there, back)
        strike([there, back], near)
        return (near, far)
    }

    /// Decides what comes over the connection besides, and when.
    private func strike(_ pipes: [SimPipe], _ socket: SimSocket) {
        let fault = faults?.draw(for: SimFault.connection)
        guard let fault else { return }
        let pipe = pipes[incidents.below(2)]
        let count = incidents.below([1, 300, 3000, 100_000][incidents.below(4)])
        let pause = Duration.milliseconds(100 + incidents.below(20_000))
        pipe.after(count) { [weak socket, faults] pipe in
            // A connection may outlive the faults.
            guard faults?.strike(fault, choices: 1) != nil else { return }
            switch fault {
            case .connectionReset: socket?.breakOff()
            default:
                socket?.noteFault()
                pipe.stall(for: pause)
            }
        }
    }
}

/// The network as one process uses it.
package struct SimByteNetwork: ByteNetwork {
    private let network: SimNetwork
    private let host: SimHost

    package init(_ network: SimNetwork, of host: SimHost) {
        self.network = network
        self.host = host
    }

    package var eventLoops: any EventLoopGroup { host }

    package func listen(
        on address: NetworkAddress, initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> NetworkListener {
        let (address, local) = try place(address)
        let (network, host) = (network, host)
        let listener = network.listen(on: address) { socket, from in
            let loop = host.nextLoop()
            let options = SimChannelOptions(allowsHalfClosure: true, messagesPerRead: 1)
            nonisolated(unsafe) let socket = socket
            loop.execute {
                guard host.isRunning else { return socket.close() }
                let channel = SimChannel(socket, of: host, on: loop, local: local, remote: from.address)
                initialize(channel).whenComplete { result in
                    switch result {
                    case .success: channel.activate(options)
                    case .failure(let error): channel.close0(error: error, mode: .all, promise: nil)
                    }
                }
            }
        }
        guard let listener else { throw IOError(errnoCode: EADDRINUSE, reason: "bind") }
        let number = host.addListener { network.close(listener, on: address) }
        return NetworkListener(port: local?.port) {
            host.removeListener(number)
            network.close(listener, on: address)
        }
    }

    /// With a port where any will do.
    private func place(_ address: NetworkAddress) throws -> (NetworkAddress, SocketAddress?) {
        guard case .host(let name, let port) = address else { return (address, nil) }
        let chosen = port == 0 ? network.freePort() : port
        return (.host(name, port: chosen), try SocketAddress(ipAddress: "127.0.0.1", port: chosen))
    }

    package func connect(
        to address: NetworkAddress, on eventLoop: any EventLoop, timeout: TimeAmount,
        initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        let promise = eventLoop.makePromise(of: (any Channel).self)
        guard let loop = eventLoop as? SimEventLoop, host.isRunning else {
            promise.fail(EventLoopError.shutdown)
            return promise.futureResult
        }
        let (host, began) = (host, loop.now)
        network.connect(to: address, from: SimNetwork.Caller(core: host.core)) { dial in
            nonisolated(unsafe) let dial = dial
            loop.execute {
                switch dial {
                case .refused: promise.fail(IOError(errnoCode: ECONNREFUSED, reason: "connect"))
                case .lost:
                    loop.scheduleTask(deadline: began + timeout) {}.futureResult.whenComplete { _ in
                        promise.fail(ChannelError.connectTimeout(timeout))
                    }
                case .connected(let socket):
                    guard host.isRunning else {
                        socket.close()
                        return promise.fail(EventLoopError.shutdown)
                    }
                    let channel = SimChannel(socket, of: host, on: loop, local: nil, remote: nil)
                    initialize(channel).whenComplete { result in
                        switch result {
                        case .success: channel.activate(SimChannelOptions(), promise)
                        case .failure(let error):
                            promise.fail(error)
                            channel.close0(error: error, mode: .all, promise: nil)
                        }
                    }
                }
            }
        }
        return promise.futureResult
    }
}
