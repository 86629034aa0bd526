// invok-init forward PORT /PATH: listens on 127.0.0.1:PORT, and shuttles what comes there to a unix socket and back.
//
// A tool in a build knows of addresses only, and the one thing outside that the build reaches is a socket in its folder.
// It goes into the background once it listens, so that `invok-init forward … && tool` finds it there, and ends when it is
// killed, or when nobody listens at the socket any more. One thread, and a bounded number of connections with a buffer for each way: more of them wait in the backlog.
#pragma once
#include "sockets.h"
#include <asm/signal.h>

enum { MAXIMUM_CONNECTIONS = 64, MAXIMUM_PIECES = 16 };

// One way of a connection. What is between `start` and `end` has been read and not been written.
struct way {
    u32 start, end;
    u8 has_ended;  // its source has no more
    u8 is_shut;    // and its sink has been told
    u8 bytes[16384];
};

struct connection {
    int ends[2];  // the tool's and the registry's; -1 where there is none
    struct way ways[2];  // from that end to the other
};

struct poll_entry { int descriptor; short wanted, found; };

static struct connection connections[MAXIMUM_CONNECTIONS];

static void end_connection(struct connection *connection) {
    CALL1(close, connection->ends[0]);
    CALL1(close, connection->ends[1]);
    connection->ends[0] = connection->ends[1] = -1;
}

// Moves what can be moved now. Returns 0 when the connection is of no more use.
static int move(struct way *way, int from, int to) {
    for (int piece = 0; piece < MAXIMUM_PIECES; piece++) {
        if (way->start == way->end && !way->has_ended) {
            long count = CALL3(read, from, way->bytes, sizeof way->bytes);
            if (count == -EAGAIN || count == -EINTR) return 1;
            if (count < 0) return 0;
            way->start = 0, way->end = (u32)count, way->has_ended = count == 0;
        }
        if (way->start < way->end) {
            long count = CALL3(write, to, way->bytes + way->start, way->end - way->start);
            if (count == -EAGAIN || count == -EINTR) return 1;
            if (count < 0) return 0;
            way->start += (u32)count;
        }
        if (way->start < way->end || !way->has_ended) continue;
        // Half of it goes on: a client may end its request and wait for the answer.
        if (!way->is_shut) CALL2(shutdown, to, SHUT_WR);
        way->is_shut = 1;
        return 1;
    }
    return 1;
}

static void serve(struct connection *connection) {
    struct way *ways = connection->ways;
    for (int end = 0; end < 2; end++)
        if (!move(&ways[end], connection->ends[end], connection->ends[!end])) return end_connection(connection);
    if (ways[0].is_shut && ways[1].is_shut) end_connection(connection);
}

static void accept_one(int listener, const char *path) {
    long tool = CALL4(accept4, listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (tool < 0) return;
    long registry = connect_to(path, SOCK_NONBLOCK);
    for (int i = 0; i < MAXIMUM_CONNECTIONS && registry >= 0; i++) {
        struct connection *connection = &connections[i];
        if (connection->ends[0] >= 0) continue;
        for (int end = 0; end < 2; end++) {
            struct way *way = &connection->ways[end];
            way->start = way->end = way->has_ended = way->is_shut = 0;
        }
        connection->ends[0] = (int)tool, connection->ends[1] = (int)registry;
        return;
    }
    if (registry == -ECONNREFUSED || registry == -ENOENT) CALL1(exit_group, 0);
    // The tool sees that its connection is closed.
    if (registry >= 0) CALL1(close, registry);
    CALL1(close, tool);
}

static short wanted(const struct connection *connection, int end) {
    const struct way *out = &connection->ways[end], *in = &connection->ways[!end];
    return (short)((out->start == out->end && !out->has_ended ? POLLIN : 0) | (in->start < in->end ? POLLOUT : 0));
}

__attribute__((noreturn)) static void forward_all(int listener, const char *path) {
    static struct poll_entry entries[2 * MAXIMUM_CONNECTIONS + 1];
    for (int i = 0; i < MAXIMUM_CONNECTIONS; i++) connections[i].ends[0] = connections[i].ends[1] = -1;
    for (;;) {
        int is_full = 1;
        for (int i = 0; i < 2 * MAXIMUM_CONNECTIONS; i++) {
            const struct connection *connection = &connections[i / 2];
            int descriptor = connection->ends[i % 2];
            short events = descriptor < 0 ? 0 : wanted(connection, i % 2);
            if (descriptor < 0) is_full = 0;
            // One that nothing is wanted of is left out, or its end would be told again and again.
            entries[i] = (struct poll_entry){events ? descriptor : -1, events, 0};
        }
        entries[2 * MAXIMUM_CONNECTIONS] = (struct poll_entry){is_full ? -1 : listener, POLLIN, 0};
        long count = CALL5(ppoll, entries, 2 * MAXIMUM_CONNECTIONS + 1, 0, 0, 0);
        if (count < 0 && count != -EINTR) CALL1(exit_group, BROKEN);
        if (count <= 0) continue;
        for (int i = 0; i < MAXIMUM_CONNECTIONS; i++)
            if (entries[2 * i].found || entries[2 * i + 1].found) serve(&connections[i]);
        if (entries[2 * MAXIMUM_CONNECTIONS].found) accept_one(listener, path);
    }
}

__attribute__((noreturn)) static void forward(const char *port_text, const char *path) {
    int port = number_of(port_text), yes = 1;
    if (port < 1 || port > 65535) fail(BROKEN, "the port must be a number from 1 to 65535", 0);
    long made = connect_to(path, 0);
    if (made < 0) fail(BROKEN, "the package registries cannot be reached", made);
    CALL1(close, made);
    long listener = CALL3(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) fail(BROKEN, "no socket can be made", listener);
    // In the network's order, 127.0.0.1.
    struct { unsigned short family; u8 port[2], address[4], rest[8]; } address = {
        AF_INET, {(u8)(port >> 8), (u8)port}, {127, 0, 0, 1}, {0}};
    CALL5(setsockopt, listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    long result = CALL3(bind, listener, &address, sizeof address);
    if (result >= 0) result = CALL2(listen, listener, 1024);
    if (result < 0) fail(BROKEN, "the port cannot be listened on", result);
    long child = CALL5(clone, SIGCHLD, 0, 0, 0, 0);
    if (child < 0) fail(BROKEN, "no process can be started", child);
    if (child > 0) CALL1(exit_group, 0);
    // Whoever reads what the tool prints does not wait for this one.
    CALL0(setsid);
    CALL3(dup3, listener, 0, SOCK_CLOEXEC);
    CALL3(close_range, 1, ~0U, 0);
    forward_all(0, path);
}
