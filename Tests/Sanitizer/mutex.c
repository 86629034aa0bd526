// Tells ThreadSanitizer what it cannot see of Swift's Mutex: the slow ways of lock and unlock are in the standard library,
// which is not instrumented, so what a thread waited for would look like a race. A library to be loaded before the standard
// library (LD_PRELOAD, ld.so(8)); it stands before both ways and passes them on. The fast ways are compiled into whoever
// locks, and instrumented there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

static SWIFT void (*lock)(uint32_t thread, SELF);
static SWIFT void (*unlock)(SELF);
static void (*acquire)(void *address);
static void (*release)(void *address);

__attribute__((constructor)) static void begin(void) {
    lock = dlsym(RTLD_NEXT, LOCK);
    unlock = dlsym(RTLD_NEXT, UNLOCK);
    acquire = dlsym(RTLD_DEFAULT, "__tsan_acquire");
    release = dlsym(RTLD_DEFAULT, "__tsan_release");
    // Of another toolchain: nothing that would be reported means anything. Programs that the tests start have no sanitizer.
    if (acquire && !(lock && unlock && release)) abort();
}

SWIFT void lockSlow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void lockSlow(uint32_t thread, SELF) {
    lock(thread, self);
    if (acquire) acquire(self);
}

SWIFT void unlockSlow(SELF) __asm__(UNLOCK);
SWIFT void unlockSlow(SELF) {
    if (release) release(self);
    unlock(self);
}
