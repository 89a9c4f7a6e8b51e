/*
 * Bash as a zygote. It opens its script when it has imported its environment, and bound the arguments; what it has
 * from the zygote then, it gets from the job instead. Its executable exports all its names; they are weak because
 * this library is preloaded into others as well.
 */
#include <ctype.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "init/zygote.h"

#define WEAK __attribute__((weak))

WEAK void remember_args(void *words, int destructive);
WEAK void *strvec_to_word_list(char **words, int own, int first);
WEAK void *find_variable(const char *name);
WEAK void *bind_variable(const char *name, char *value, int flags);
WEAK void set_var_attribute(char *name, int attributes, int undo);
WEAK void set_ppid(void);
WEAK void sbrand(unsigned long seed);
WEAK void seedrand32(void);
extern WEAK pid_t dollar_dollar_pid, shell_pgrp;
extern WEAK time_t shell_start_time;
extern WEAK struct timeval shellstart;

/* att_exported and att_imported of variables.h. */
enum { FROM_ENVIRONMENT = 0x0000001 | 0x0008000 };

static void bash_after_fork(void)
{
    unsigned seed;

    dollar_dollar_pid = getpid();
    shell_pgrp = getpgid(0);
    set_ppid();
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        _exit(126); /* it never gives less */
    sbrand(seed);   /* of $RANDOM */
    seedrand32();   /* of its own temporary names; from time and pid, as at a start */
}

static bool is_plain_name(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name[i] != '_' && !isalnum((unsigned char)name[i]))
            return false;
    return n > 0 && !isdigit((unsigned char)name[0]);
}

static bool is_in(const char *word, char *const *words)
{
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* Imports what is not imported already. Without act it only says whether that can be done: a variable that has another
 * value now, or is gone, was of influence on how this Bash has started. */
static bool import(char *const *envp, bool act)
{
    for (; *envp != NULL; envp++) {
        char name[256];
        const char *end = strchr(*envp, '=');
        size_t n = end == NULL ? 0 : (size_t)(end - *envp);

        if (is_in(*envp, zygote_boot_environment()))
            continue;
        if (n >= sizeof name || !is_plain_name(*envp, n))
            return false;
        (void)memcpy(name, *envp, n);
        name[n] = '\0';
        if (!act && find_variable(name) != NULL)
            return false;
        if (act && bind_variable(name, *envp + n + 1, 0) != NULL)
            set_var_attribute(name, FROM_ENVIRONMENT, 0);
    }
    return true;
}

static bool bash_take(const struct zygote_job *job, char **arguments)
{
    if (!import(job->envp, false))
        return false;
    (void)import(job->envp, true);
    if (*arguments != NULL)
        remember_args(strvec_to_word_list(arguments, 0, 0), 1);
    (void)gettimeofday(&shellstart, NULL);
    shell_start_time = shellstart.tv_sec;
    return true;
}

const struct zygote_face *zygote_bash(void)
{
    static const struct zygote_face face = {.after_fork = bash_after_fork, .take = bash_take};

    return remember_args == NULL || sbrand == NULL ? NULL : &face;
}
