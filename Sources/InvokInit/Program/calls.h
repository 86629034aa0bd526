// System calls without a C library: what runs as root before it confines itself reads no file, locale or variable.
#pragma once
#include <asm/unistd.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long usize;

#if defined(__x86_64__)
static long call(long number, long a, long b, long c, long d, long e) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call begin\n  hlt\n");
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = 0;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x0, sp\n  and sp, x0, #-16\n  bl begin\n  brk #0\n");
#else
#error "invok-init knows x86-64 and AArch64 only"
#endif

#define CALL0(name) call(__NR_##name, 0, 0, 0, 0, 0)
#define CALL1(name, a) call(__NR_##name, (long)(a), 0, 0, 0, 0)
#define CALL2(name, a, b) call(__NR_##name, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(name, a, b, c) call(__NR_##name, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(name, a, b, c, d) call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define CALL5(name, a, b, c, d, e) call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

// What the compiler may call by itself.
void *memcpy(void *to, const void *from, usize count) {
    for (usize i = 0; i < count; i++) ((volatile u8 *)to)[i] = ((const u8 *)from)[i];
    return to;
}
void *memset(void *to, int value, usize count) {
    for (usize i = 0; i < count; i++) ((volatile u8 *)to)[i] = (u8)value;
    return to;
}

static usize length_of(const char *text) {
    usize count = 0;
    while (text[count]) count++;
    return count;
}

static int is_same(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

static char *append(char *to, const char *text) {
    while (*text) *to++ = *text++;
    *to = 0;
    return to;
}

static char *append_number(char *to, unsigned long value) {
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count > 0) *to++ = digits[--count];
    *to = 0;
    return to;
}

// Says what failed on the standard error, which is the function's log, and ends.
__attribute__((noreturn)) static void fail(int status, const char *what, long result) {
    char text[256], *end = append(append(text, "invok-init: "), what);
    if (result < 0) end = append_number(append(end, ": error "), (unsigned long)-result);
    end = append(end, "\n");
    CALL3(write, 2, text, end - text);
    for (;;) CALL1(exit_group, status);
}
