/*
 * Perl as a zygote. It opens its script before it makes @ARGV and %ENV, and reads it after that: that is when it
 * serves. Its executable exports the API (perlapi(1)); the interpreter is the thread's own (PL_thr_key).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "init/zygote.h"

extern char **environ;

#define WEAK __attribute__((weak))

typedef struct perl Perl;
typedef struct sv SV;

extern WEAK pthread_key_t PL_thr_key;
extern WEAK const unsigned short PL_interp_size;
WEAK SV *Perl_get_av(Perl *perl, const char *name, int flags);
WEAK SV *Perl_get_hv(Perl *perl, const char *name, int flags);
WEAK SV *Perl_get_sv(Perl *perl, const char *name, int flags);
WEAK void Perl_av_push(Perl *perl, SV *array, SV *value);
WEAK SV **Perl_hv_store(Perl *perl, SV *hash, const char *key, int len, SV *value, unsigned hash_of_key);
WEAK SV *Perl_hv_delete(Perl *perl, SV *hash, const char *key, int len, int flags);
WEAK SV *Perl_newSVpv(Perl *perl, const char *text, size_t len);
WEAK SV *Perl_newHVhv(Perl *perl, SV *hash);
WEAK int Perl_hv_iterinit(Perl *perl, SV *hash);
WEAK void Perl_sv_setiv_mg(Perl *perl, SV *value, long n);
WEAK void Perl_sv_free(Perl *perl, SV *value);

/* GV_ADD of gv.h, G_DISCARD of cop.h. */
enum { ADD = 1, DISCARD = 4 };

static Perl *perl_of_thread(void)
{
    return pthread_getspecific(PL_thr_key);
}

/* ---- The order of keys ---- */

static uint64_t *order; /* the generator's state, or NULL */

/* As hv.c has it, for a Perl whose integers have 64 bits. */
static uint64_t next_of(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

/*
 * Each hash's order comes from a generator of the interpreter's, which no function sets: it is the one word of the
 * interpreter that takes the next step when a hash is made and listed. Where there is none (another Perl, or it was
 * built without), the order is the zygote's.
 */
static void perl_find_order(const char *preparation)
{
    Perl *perl = perl_of_thread();
    uint64_t before[1024];
    const size_t n = PL_interp_size / sizeof before[0];
    SV *hash;

    (void)preparation;
    if (perl == NULL || n > sizeof before / sizeof before[0])
        return;
    hash = Perl_newHVhv(perl, NULL);
    memcpy(before, perl, n * sizeof before[0]);
    (void)Perl_hv_iterinit(perl, hash);
    for (size_t i = 0; i < n; i++)
        if (before[i] != 0 && ((uint64_t *)perl)[i] == next_of(before[i]))
            order = (uint64_t *)perl + i;
    Perl_sv_free(perl, hash);
}

static void perl_after_fork(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        _exit(126); /* it never gives less */
    if (order != NULL)
        *order = seed | 1; /* never 0 */
}

/* ---- The job ---- */

static void set_environment(Perl *perl, char *const *envp)
{
    SV *hash = Perl_get_hv(perl, "ENV", ADD);

    for (; *envp != NULL; envp++) {
        const char *end = strchr(*envp, '=');

        (void)Perl_hv_store(perl, hash, *envp, (int)(end - *envp), Perl_newSVpv(perl, end + 1, 0), 0);
    }
}

/* At its end Perl frees the array and its strings where they are not those of its start. */
static bool own_environment(char *const *envp)
{
    size_t n = 0;
    char **copy;

    while (envp[n] != NULL)
        n++;
    copy = malloc((n + 1) * sizeof *copy);
    if (copy == NULL)
        return false;
    memcpy(copy, envp, (n + 1) * sizeof *copy);
    environ = copy;
    return true;
}

/* $^T, whose name is made for that, and taken away again. */
static void set_start(Perl *perl)
{
    static const char name[] = "\024";

    Perl_sv_setiv_mg(perl, Perl_get_sv(perl, name, ADD), time(NULL));
    (void)Perl_hv_delete(perl, Perl_get_hv(perl, "main::", ADD), name, 1, DISCARD);
}

static bool perl_take(const struct zygote_job *job, char **arguments)
{
    Perl *perl = perl_of_thread();
    SV *array = Perl_get_av(perl, "ARGV", ADD);

    if (!own_environment(job->envp))
        return false;
    for (; *arguments != NULL; arguments++)
        Perl_av_push(perl, array, Perl_newSVpv(perl, *arguments, 0));
    set_environment(perl, job->envp);
    set_start(perl);
    return true;
}

const struct zygote_face *zygote_perl(void)
{
    static const struct zygote_face face = {
        .late = true, .warm = perl_find_order, .after_fork = perl_after_fork, .take = perl_take};

    return Perl_hv_iterinit == NULL || Perl_hv_store == NULL || Perl_newHVhv == NULL ? NULL : &face;
}
