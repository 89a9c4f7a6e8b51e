/*
 * terminal: what a program gets in place of pipes where its job says so. It is of the box's own devpts, so no other box
 * and nobody on the host can open it; the engine gets the master's descriptor.
 */
#pragma once

#include "init/task.h"

/* With WIRE_JOB_MERGED or WIRE_JOB_TERMINAL, opens one in place of the streams that it takes, and hands its master
 * over. *master is owned by the caller, and -1 unless it is a terminal for the program to control. */
MUST_CHECK int terminal_open(struct task *task, int *master, struct err *err);
/* In the program's process, between setsid() and exec: its session gets the terminal that is its stdin. */
MUST_CHECK int terminal_take_control(void);
/* To the process group in the terminal's foreground; without a terminal (-1), to the one that pid leads. pid: the
 * program's, not reaped. */
void terminal_signal(int master, pid_t pid, int signal);
