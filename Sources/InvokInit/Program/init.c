// invok-init: the first process of every sandbox and container of a function.
//
//   invok-init NUMBER          the core is at the other end of this descriptor, a stream socket
//   invok-init /PATH           the core listens on this socket
//   invok-init forward PORT /PATH   something else, in builds: see forward.h
//
// It gets two messages (their Swift side is InitMessage.swift). By the first it confines itself, for good, then writes
// one byte: from then on it is as harmless as the function will be. Only the second has anything of the function in it:
// the working directory, the command and the variables, and in a container the listening socket. It runs the command as
// a child, passes signals on, reaps what nobody waits for, and ends as the command ends.
#include "forward.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

// The same on both architectures.
enum { SCM_RIGHTS = 1, MSG_CMSG_CLOEXEC = 0x40000000, O_WRONLY = 1, O_CLOEXEC = 02000000, WNOHANG = 1 };
enum { O_CREAT = 0100, O_EXCL = 0200 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32 };
enum { F_SETFD = 2, F_SETFL = 4, F_SETOWN = 8, F_DUPFD_CLOEXEC = 1030, O_ASYNC = 020000 };
enum { MSG_PEEK = 2, MSG_DONTWAIT = 0x40 };
enum { LISTENER = 3, MAXIMUM = 1 << 20, MAXIMUM_FILTER = 4096, LAST_SIGNAL = 64, LAST_CAPABILITY = 63 };
// More of the statuses it ends with where the command did not run; those of a shell where that cannot be started.
enum { NO_USER_NAMESPACE = 124, CANNOT_RUN = 126, NOT_FOUND = 127 };

// Both messages begin with this and go on with `bytes` more.
struct head {
    u32 magic, flags, bytes;
    u32 first;   // setup: the user; command: the number of arguments
    u32 second;  // setup: the number of processes, or 0 for any; command: the number of variables
};
enum { SETUP = 0x31564B49, COMMAND = 0x32564B49 };
enum { SWITCH_USER = 1, USER_NAMESPACE = 2, DIES_WITH_CORE = 4 };  // of a setup
enum { KEEPS_LISTENER = 1, KEEPS_VARIABLES = 2, FILES_SHIFT = 16 };  // of a command: above these, the number of files

struct io_vector { void *base; usize count; };
struct socket_message {
    void *name; u32 name_count; struct io_vector *vectors; usize vector_count;
    void *control; usize control_count; int flags;
};
struct descriptor_message { usize count; int level, type; int descriptor, padding; };

static long prctl(long option, long a, long b) { return CALL5(prctl, option, a, b, 0, 0); }

static int reach_the_core(const char *place) {
    if (*place != '/') {
        int number = number_of(place);
        if (number < 0) fail(BROKEN, "it was given no descriptor", 0);
        return number;
    }
    long number = connect_to(place, 0);
    if (number < 0) fail(BROKEN, "the server cannot be reached", number);
    return (int)number;
}

// Reads all of it. The first bytes of a command may bring a descriptor along.
static void receive(int socket, void *to, usize count, int *descriptor) {
    for (usize done = 0; done < count;) {
        struct descriptor_message control = {0, 0, 0, -1, 0};
        struct io_vector vector = {(u8 *)to + done, count - done};
        struct socket_message message = {0, 0, &vector, 1, &control, sizeof control, 0};
        long result = CALL3(recvmsg, socket, &message, MSG_CMSG_CLOEXEC);
        if (result == -EINTR) continue;
        if (result <= 0) fail(BROKEN, "the server is gone", result);
        done += (usize)result;
        if (!message.control_count || control.level != SOL_SOCKET || control.type != SCM_RIGHTS) continue;
        if (descriptor && *descriptor < 0) *descriptor = control.descriptor;
        else CALL1(close, control.descriptor);
    }
}

static struct head receive_head(int socket, u32 magic, int *descriptor) {
    struct head head;
    receive(socket, &head, sizeof head, descriptor);
    if (head.magic != magic || head.bytes > MAXIMUM) fail(BROKEN, "the server says what it does not know", 0);
    return head;
}

static void write_file(const char *path, const char *text) {
    long number = CALL4(openat, -100, path, O_WRONLY | O_CLOEXEC, 0);
    if (number < 0) fail(NO_USER_NAMESPACE, path, number);
    long result = CALL3(write, number, text, length_of(text));
    if (result < 0) fail(NO_USER_NAMESPACE, path, result);
    CALL1(close, number);
}

static void drop_bounding_set(int is_required) {
    for (long capability = 0; capability <= LAST_CAPABILITY; capability++) {
        long result = prctl(PR_CAPBSET_DROP, capability, 0);
        if (result == -EINVAL) return;  // the kernel has no more
        if (result < 0 && is_required) fail(BROKEN, "the capabilities cannot be dropped", result);
    }
}

static void switch_user(u32 user) {
    drop_bounding_set(1);
    long result = CALL2(setgroups, 0, 0);
    if (result >= 0) result = CALL3(setresgid, user, user, user);
    if (result >= 0) result = CALL3(setresuid, user, user, user);
    if (result < 0) fail(BROKEN, "the user cannot be switched", result);
}

// One whose map names the user alone: nobody in it is the machine's root, or anybody else.
static void enter_user_namespace(u32 user) {
    char line[48];
    char *end = append_number(line, user);
    end = append_number(append(end, " "), user);
    append(end, " 1");
    // The files below belong to root while it is not dumpable.
    prctl(PR_SET_DUMPABLE, 1, 0);
    long result = CALL1(unshare, CLONE_NEWUSER);
    if (result < 0) fail(NO_USER_NAMESPACE, "no user namespace can be made", result);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/gid_map", line);
    write_file("/proc/self/uid_map", line);
    prctl(PR_SET_DUMPABLE, 0, 0);
    drop_bounding_set(1);
}

// Only here: set before the user namespace is made, it would count against all of the user's processes outside, too.
static void limit_processes(u32 count) {
    struct rlimit64 limit = {count, count};
    long result = CALL4(prlimit64, 0, RLIMIT_NPROC, &limit, 0);
    if (result < 0) fail(BROKEN, "the processes cannot be limited", result);
}

static void drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
    long result = CALL2(capset, &header, none);
    if (result < 0) fail(BROKEN, "the capabilities cannot be dropped", result);
}

// Returns the setup's flags.
static u32 confine(int socket) {
    static struct sock_filter instructions[MAXIMUM_FILTER];
    struct head setup = receive_head(socket, SETUP, 0);
    if (setup.bytes > sizeof instructions || setup.bytes % sizeof *instructions)
        fail(BROKEN, "the filter is no filter", 0);
    receive(socket, instructions, setup.bytes, 0);

    if (setup.flags & SWITCH_USER) switch_user(setup.first);
    if (setup.flags & USER_NAMESPACE) enter_user_namespace(setup.first);
    if (!(setup.flags & SWITCH_USER)) drop_bounding_set(0);
    if (setup.second) limit_processes(setup.second);
    drop_capabilities();
    long result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0);
    struct sock_fprog program = {(unsigned short)(setup.bytes / sizeof *instructions), instructions};
    if (result >= 0 && setup.bytes) result = CALL3(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    if (result < 0) fail(BROKEN, "the system calls cannot be filtered", result);
    return setup.flags;
}

// What the second message says, in the memory that it was read into.
struct command {
    char *directory, **arguments, **variables;
    void *memory;
    usize bytes;
    // From this one on, no descriptor is the function's.
    unsigned first_closed;
};

static const char *value_of(char **variables, const char *name) {
    for (; *variables; variables++) {
        const char *variable = *variables, *rest = name;
        while (*rest && *variable == *rest) variable++, rest++;
        if (!*rest && *variable == '=') return variable + 1;
    }
    return 0;
}

static int has_name_of(char **variables, const char *variable) {
    char name[256];
    usize count = 0;
    while (variable[count] && variable[count] != '=' && count < sizeof name - 1) {
        name[count] = variable[count];
        count++;
    }
    name[count] = 0;
    return value_of(variables, name) != 0;
}

static char *next_string(char **at, const char *end) {
    char *start = *at;
    while (*at < end && **at) ++*at;
    if (*at >= end) fail(BROKEN, "the server says what it does not know", 0);
    ++*at;
    return start;
}

// For the function's user alone, and in memory: where it lies is Invok's choice.
static void write_secret(const char *path, const char *text) {
    long number = CALL4(openat, -100, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (number < 0) fail(BROKEN, "a secret cannot be written", number);
    for (usize count = length_of(text); count > 0;) {
        long written = CALL3(write, number, text, count);
        if (written == -EINTR) continue;
        if (written <= 0) fail(BROKEN, "a secret cannot be written", written);
        text += written;
        count -= (usize)written;
    }
    CALL1(close, number);
}

static struct command receive_command(int socket, char **own) {
    int listener = -1;
    struct head head = receive_head(socket, COMMAND, &listener);
    usize count_own = 0;
    while (own[count_own]) count_own++;
    if (head.first < 1 || head.first > head.bytes || head.second > head.bytes)
        fail(BROKEN, "the server says what it does not know", 0);
    struct command command;
    usize pointers = head.first + 1 + head.second + count_own + 1;
    command.bytes = head.bytes + pointers * sizeof(char *);
    long memory = CALL5(mmap, 0, command.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (memory < 0 && memory > -4096) fail(BROKEN, "there is no memory", memory);
    command.memory = (void *)memory;
    command.arguments = command.memory;
    command.variables = command.arguments + head.first + 1;
    char *at = (char *)(command.arguments + pointers), *end = at + head.bytes;
    receive(socket, at, head.bytes, &listener);

    command.directory = next_string(&at, end);
    for (u32 i = 0; i < head.first; i++) command.arguments[i] = next_string(&at, end);
    for (u32 i = 0; i < head.second; i++) command.variables[i] = next_string(&at, end);
    for (u32 i = 0; i < head.flags >> FILES_SHIFT; i++) {
        char *path = next_string(&at, end);
        write_secret(path, next_string(&at, end));
    }
    usize count = head.second;
    for (usize i = 0; head.flags & KEEPS_VARIABLES && i < count_own; i++)
        if (!has_name_of(command.variables, own[i])) command.variables[count++] = own[i];

    if (listener >= 0 && listener != LISTENER) {
        long result = CALL3(dup3, listener, LISTENER, 0);
        if (result < 0) fail(BROKEN, "the socket cannot be handed on", result);
    }
    int keeps = listener >= 0 || head.flags & KEEPS_LISTENER;
    command.first_closed = keeps ? LISTENER + 1 : LISTENER;
    if (listener == LISTENER) CALL3(fcntl, LISTENER, F_SETFD, 0);  // it came close-on-exec
    return command;
}

__attribute__((noreturn)) static void run(struct command command) {
    unsigned long none = 0;
    CALL0(setsid);
    CALL3(close_range, command.first_closed, ~0U, 0);
    CALL4(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
    long result = CALL1(chdir, command.directory);
    if (result < 0) fail(CANNOT_RUN, "the working directory cannot be used", result);
    const char *name = command.arguments[0], *path = value_of(command.variables, "PATH");
    int has_slash = 0;
    for (const char *at = name; *at; at++) has_slash |= *at == '/';
    if (has_slash || !path) {
        result = CALL3(execve, name, command.arguments, command.variables);
        fail(result == -ENOENT ? NOT_FOUND : CANNOT_RUN, "the function's program cannot be run", result);
    }
    static char file[4096];
    for (long worst = -ENOENT;; path++) {
        char *end = file;
        while (*path && *path != ':' && end < file + 2048) *end++ = *path++;
        if (end > file && length_of(name) < 1024) {
            append(append(end, "/"), name);
            result = CALL3(execve, file, command.arguments, command.variables);
            if (result != -ENOENT && result != -ENOTDIR) worst = result;
        }
        if (!*path) fail(worst == -ENOENT ? NOT_FOUND : CANNOT_RUN, "the function's program cannot be run", worst);
    }
}

static int is_gone(int socket) {
    char byte;
    struct io_vector vector = {&byte, 1};
    struct socket_message message = {0, 0, &vector, 1, 0, 0, 0};
    return CALL3(recvmsg, socket, &message, MSG_PEEK | MSG_DONTWAIT) == 0;
}

// Passes signals on and reaps until the command ends, or the other end of the socket does, where there is one.
//
// The kernel would end it with bubblewrap (PR_SET_PDEATHSIG) only where that may send it signals, which it may not to
// another user without capabilities. That the socket's other end is closed, SIGIO says.
__attribute__((noreturn)) static void watch(long child, int socket) {
    unsigned long all = ~0UL;
    if (socket >= 0) {
        CALL3(dup3, socket, 0, 0);
        CALL3(fcntl, 0, F_SETOWN, CALL0(getpid));
        CALL3(fcntl, 0, F_SETFL, O_ASYNC);
    }
    CALL3(close_range, socket >= 0, ~0U, 0);
    for (;;) {
        if (socket >= 0 && is_gone(0)) CALL1(exit_group, 128 + SIGKILL);
        int status = 0;
        long ended = CALL4(wait4, -1, &status, WNOHANG, 0);
        if (ended == child) CALL1(exit_group, status & 0x7F ? 128 + (status & 0x7F) : (status >> 8) & 0xFF);
        if (ended > 0) continue;
        long signal = CALL4(rt_sigtimedwait, &all, 0, 0, sizeof all);
        if (signal > 0 && signal != SIGCHLD && signal != SIGIO) CALL2(kill, child, signal);
    }
}

__attribute__((noreturn, used)) void begin(long *stack) {
    long count = stack[0];
    char **arguments = (char **)(stack + 1), **variables = arguments + count + 1;
    unsigned long all = ~0UL;
    CALL4(rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
    prctl(PR_SET_DUMPABLE, 0, 0);
    prctl(PR_SET_NAME, (long)"invok-init", 0);
    if (count == 4 && is_same(arguments[1], "forward")) forward(arguments[2], arguments[3]);
    if (count != 2) fail(BROKEN, "it is started by Invok, with a descriptor or a socket's path", 0);
    // Out of the way of what the function gets.
    int given = reach_the_core(arguments[1]), socket = (int)CALL3(fcntl, given, F_DUPFD_CLOEXEC, LISTENER + 1);
    if (socket < 0) fail(BROKEN, "the socket cannot be moved", socket);
    CALL1(close, given);
    u32 flags = confine(socket);
    long written = CALL3(write, socket, "R", 1);
    if (written != 1) fail(BROKEN, "the server is gone", written);
    struct command command = receive_command(socket, variables);
    long child = CALL5(clone, SIGCHLD, 0, 0, 0, 0);
    if (child < 0) fail(CANNOT_RUN, "no process can be started", child);
    if (child == 0) run(command);
    CALL2(munmap, command.memory, command.bytes);
    watch(child, flags & DIES_WITH_CORE ? socket : -1);
}
