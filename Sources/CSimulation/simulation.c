#include "CSimulation.h"

#include <pthread.h>

static _Thread_local void *current;

void *invok_simulation_current(void) { return current; }
void invok_simulation_set_current(void *scheduler) { current = scheduler; }

int invok_simulation_start_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    int status = pthread_create(&thread, 0, run, argument);
    if (status == 0) pthread_detach(thread);
    return status;
}

// Defined in InvokSim (SimExecutor.swift).
void invok_simulation_install(void);

// The process's default executor is two words that are read without a lock, so it is set before any thread starts: no
// main function of ours runs under `swift test`, and the first job of a test would come before our first line.
__attribute__((constructor)) static void install(void) { invok_simulation_install(); }
