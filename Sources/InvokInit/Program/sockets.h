// Reaching a unix socket, and what both programs need for that.
#pragma once
#include "calls.h"
#include <asm/errno.h>

// The same on both architectures.
enum { AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_CLOEXEC = 02000000, SOCK_NONBLOCK = 04000 };
enum { SOL_SOCKET = 1, SO_REUSEADDR = 2, SHUT_WR = 1, POLLIN = 1, POLLOUT = 4 };
// What it ends with where it cannot do its work at all.
enum { BROKEN = 125 };

static int number_of(const char *text) {
    int value = 0;
    if (!*text || length_of(text) > 5) return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

// Returns the descriptor, or what failed as a negative number.
static long connect_to(const char *path, int flags) {
    struct { unsigned short family; char path[108]; } address = {AF_UNIX, {0}};
    if (length_of(path) >= sizeof address.path) return -ENAMETOOLONG;
    append(address.path, path);
    long number = CALL3(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (number < 0) return number;
    long result = CALL3(connect, number, &address, sizeof address);
    if (result >= 0) return number;
    CALL1(close, number);
    return result;
}
