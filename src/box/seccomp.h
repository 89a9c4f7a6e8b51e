/*
 * seccomp: what a program in a box may not ask of the kernel.
 *
 * A deny-list with a reason on each row (see seccomp.c). A refused call fails with an errno instead of killing, so
 * that numpy, JVMs and others that probe go on with their fallback. Calls of a foreign ABI (i386, x32) fail
 * with ENOSYS, all of them. Built once by libseccomp as a binary tree; init's child only loads it.
 */
#pragma once

#include "base/err.h"

/* Builds the filter and returns it in *ret as a sealed memfd of struct sock_filter, owned by the caller. */
MUST_CHECK int seccomp_build(int *ret, struct err *err);

enum { SECCOMP_MAX_INSTRUCTIONS = 4096 }; /* BPF_MAXINSNS: the kernel takes no more */
