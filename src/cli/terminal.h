/* terminal: the one that we are in, while its keys are a program's in a sandbox. */
#pragma once

#include <stdbool.h>
#include <termios.h>

struct terminal {
    bool is_raw;
    struct termios before;
};

/* False where stdin or stdout is no terminal, or one that has no size. */
bool terminal_find(int *rows, int *columns);
/* Each key as it is, Ctrl-C too; no echo. False where that can't be. */
bool terminal_enter(struct terminal *terminal);
/* As it was before. Does nothing where nothing was changed. */
void terminal_leave(struct terminal *terminal);
