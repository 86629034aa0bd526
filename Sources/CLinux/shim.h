// Linux calls that Swift's Glibc module does not show: it is read without _GNU_SOURCE, and Swift cannot call syscall(2).
#pragma once
#ifdef __linux__
#include <ifaddrs.h>
#include <malloc.h>
#include <netdb.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <unistd.h>

// posix_spawn(3), since glibc 2.34.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);

// pipe(2)
static inline int linux_pipe2(int ends[2], int flags) { return (int)syscall(SYS_pipe2, ends, flags); }

// memfd_create(2): a file in memory that nobody else sees, close-on-exec.
static inline int linux_memfd_create(const char *name) { return (int)syscall(SYS_memfd_create, name, 1u); }

// getrlimit(2): sets both limits of another process.
static inline int linux_prlimit(pid_t process, int resource, unsigned long long limit) {
    const unsigned long long both[2] = {limit, limit};
    return (int)syscall(SYS_prlimit64, process, resource, both, (void *)0);
}

// pidfd_open(2), since Linux 5.3.
static inline int linux_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// pidfd_send_signal(2), since Linux 5.1.
static inline int linux_pidfd_send_signal(int process, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, process, signal, (void *)0, 0);
}

// setns(2) and unshare(2): for the thread that calls.
#define LINUX_CLONE_NEWNET 0x40000000
static inline int linux_setns(int descriptor, int type) { return (int)syscall(SYS_setns, descriptor, type); }
static inline int linux_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }

// syncfs(2): all that was written to the file system of the descriptor.
static inline int linux_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

// renameat2(2): with LINUX_RENAME_NOREPLACE, never over what is there.
#define LINUX_RENAME_NOREPLACE 1u
static inline int linux_renameat2(int from, const char *name, int to, const char *new_name, unsigned int flags) {
    return (int)syscall(SYS_renameat2, from, name, to, new_name, flags);
}

// sendmsg(2): all that there is room for, at once, and a descriptor with the first byte (SCM_RIGHTS, unix(7)) unless it is
// negative. A peer that is gone is an error and no signal.
static inline ssize_t linux_send(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec vector = {(void *)bytes, count};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &descriptor, sizeof descriptor);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// accept4(2)
static inline int linux_accept(int socket) {
    return (int)syscall(SYS_accept4, socket, (void *)0, (void *)0, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// openat(2): a handle on a file that nobody needs to be allowed to read.
#define LINUX_O_PATH 010000000
#endif
