#ifndef INVOK_CSIMULATION_H
#define INVOK_CSIMULATION_H

/// The scheduler of the simulation that runs on this thread, or NULL. Swift has no thread-local variables.
void *invok_simulation_current(void);
void invok_simulation_set_current(void *scheduler);

/// Runs the function on a new thread, which nobody waits for. Returns 0, or an error number (pthread_create(3)).
int invok_simulation_start_thread(void *(*run)(void *), void *argument);

#endif
