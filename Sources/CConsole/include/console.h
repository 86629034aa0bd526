#ifndef INVOK_CCONSOLE_H
#define INVOK_CCONSOLE_H

#include <stddef.h>

/// A file of the console, as it lies in Sources/InvokConsole/Web.
typedef struct {
    const char *path;
    const unsigned char *bytes;
    size_t count;
} invok_console_file;

/// How many there are.
size_t invok_console_count(void);
/// One of them, by its place; they live as long as the program.
const invok_console_file *invok_console_file_at(size_t place);

#endif
