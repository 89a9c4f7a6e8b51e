/*
 * languages: the table of languages, read from languages/<id>/language.ini. No C code per language.
 *
 * Both daemons read the same files. glimpse-boxd takes from them what a root file system needs (binds)
 * and the maximum limits; glimpsed takes commands, names and defaults. docs/languages.md shows a file.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strings.h"
#include "model/job.h"

/* What a box sees: toolchains that Debian does not package, and languages/ itself (support files). */
#define LANGUAGES_BOX_TOOLCHAINS "/opt/glimpse/toolchains"
#define LANGUAGES_BOX_DIR        "/opt/glimpse/languages"

enum {
    LANGUAGE_ID_BYTES = 32,
    LANGUAGE_SCAN_BYTES = 65536, /* name_pattern sees no more of a source than this, out_of_memory of stderr's end */
};

/* An interpreter that is there before the job: docs/languages.md, "Warm interpreters". */
struct language_warm {
    struct strings command;  /* argv, as the stage's, to the script's name and no further; empty: there is none */
    char *script;            /* file beside language.ini that prepares it; or NULL */
    struct strings folders;  /* below /box, made before it is started */
    bool costly;             /* its boot takes seconds, and it much memory */
    struct strings cold_env; /* beginnings of names: a job that sets such a variable gets a fresh interpreter */
};

struct language_stage {
    bool present;
    struct strings command;      /* argv template; see language_command() */
    struct strings env;          /* NAME=VALUE templates, the same placeholders */
    struct strings collect;      /* compile only: what run needs: files or folders below /box */
    struct strings out_of_memory; /* what a runtime with a heap limit of its own writes to stderr when it is reached */
    struct limits defaults, max; /* checked: within limit_table's bounds, defaults <= max */
    struct language_warm warm;
};

struct language {
    char id[LANGUAGE_ID_BYTES]; /* [a-z0-9_+-]+ , also the folder's name */
    char *name;                 /* "C++" */
    struct strings aliases;     /* other ids that mean this language */
    struct strings suffixes;    /* ".cpp": for `glimpse run FILE` and for {sources} */
    char *main_name;            /* the file name that `code` gets, e.g. "main.py" */
    regex_t *name_pattern;      /* or NULL: POSIX extended; a group of its first match in the source ... */
    char *name_template;        /* ... makes the name: "{1}.java", {1} to {9} */
    struct strings needs;       /* absolute paths that must exist (in the box: the same paths) */
    char *package;              /* what to install when they do not: "golang-go" */
    struct strings binds;       /* extra host paths bound read-only into the root, besides /usr */
    struct strings version_command; /* argv; run on the host by glimpsed */
    regex_t *version_pattern;   /* POSIX extended; group 1 of its first match is the version */
    char *hello;                /* the hello program's text */
    struct language_stage stages[N_STAGES];
    struct strings repl; /* argv template of the language's own prompt, in place of the run stage's; empty: none */
    uint64_t fingerprint;       /* of its folder's files and of `needs`: another one means that they changed */

    /* Filled by languages_probe(). */
    bool available;
    char *unavailable;          /* a sentence: what is missing and what to install; NULL while available */
    char *version;              /* "3.11.2" */
    char *version_text;         /* all that the version command printed, cut at 4 KiB, trimmed */
};

struct languages {
    char *dir;           /* owned: where they were read from */
    struct language *at; /* owned; sorted by id */
    size_t n;
};

/* Reads DIR/<id>/language.ini for every folder there; folders whose name begins with '.' or '_' are passed
 * over. Unknown keys, bad values and names that clash are errors that name the file, and the line where there is one.
 * Runs nothing. *ret is untouched on failure. */
MUST_CHECK int languages_load(struct languages *ret, const char *dir, struct err *err);
void languages_done(struct languages *languages);
/* For who wants to know all at once: on_fault for each folder that languages_load() would refuse. Returns how many. */
size_t languages_check(const char *dir, void (*on_fault)(void *arg, const char *sentence), void *arg);

/*
 * For a process that may not read the files: another one, which may, hands their text over. texts: of language.ini
 * and of the hello program, sorted by id; all borrowed. Checks as languages_load() does; fingerprints are 0.
 */
struct language_text {
    const char *id;
    struct slice ini, hello;
};
MUST_CHECK int languages_parse(struct languages *ret, const char *dir, const struct language_text *texts, size_t n,
                               struct err *err);
/* Appends the text of a language's file. */
MUST_CHECK int languages_read_text(struct buf *to, const char *dir, const char *id, struct err *err);
/* fingerprint.c */
uint64_t language_fingerprint(const char *folder, const struct strings *needs);

/* The limits of a stage whose language says nothing of them. */
const struct limits *languages_usual_limits(enum stage stage);
/* What every program finds in its environment; NULL at the end. */
extern const char *const language_common_env[];
/* True where this stage of the job, with these limits (settled), may be given to an interpreter that is there
 * already. */
bool language_runs_warm(const struct language *language, enum stage stage, const struct job *job,
                        const struct limits *limits);

/*
 * The files decide what a privileged boxd binds into boxes, so nobody else may write them: every file and
 * folder of dir, and every folder above it, must belong to root or to the owner of the running executable, and
 * nobody else may be able to write them: no other user, and no group but root's and one that can write the executable
 * itself (a umask of 002). A sticky folder above, like /tmp, is fine. Symbolic links in dir are refused.
 * boxd calls this before languages_load(). 0, or -EPERM with a sentence that names the file and the fix.
 */
MUST_CHECK int languages_check_owner(const char *dir, struct err *err);

/* By id or alias, ASCII case-insensitive; NULL where there is none. */
const struct language *languages_find(const struct languages *languages, const char *name);
/* By the suffix of a file name, the longest that fits; NULL where none does. */
const struct language *languages_find_by_file(const struct languages *languages, const char *file_name);
bool language_has_suffix(const struct language *language, const char *file_name);
/* True where wanted ("3", "3.11", "3.11.2", "*", NULL) is the version or the first numbers of it. */
bool language_has_version(const struct language *language, const char *wanted);

/* Fills available, unavailable, version and version_text: looks for `needs`, then runs every version
 * command, all at once, each for at most 30 s. Blocks; call before serving or from a thread.
 * toolchains_dir: where LANGUAGES_BOX_TOOLCHAINS is on this host. */
void languages_probe(struct languages *languages, const char *toolchains_dir);
/* Fills available and unavailable only: looks for `needs` and runs nothing. For a single run, which cannot
 * wait for the version of every compiler. */
void languages_look(struct languages *languages, const char *toolchains_dir);

/* The name that source gets when it came as `code`: name_template if the pattern matches and gives a name
 * that job_check_name() takes, otherwise main_name. Owned by the caller; NULL when out of memory. */
char *language_main_name(const struct language *language, struct slice source);

/* True where the end of what the stage wrote holds one of its out_of_memory texts. A program can write them
 * too; it then lies about nobody but itself. */
bool language_says_out_of_memory(const struct language *language, enum stage stage, struct slice text);

/*
 * Expands a stage's command or env template for one job. Placeholders:
 *   {main}      name of the main file         {stem}    the same without its last suffix
 *   {sources}   (a word of its own) every file that has one of the language's suffixes, in the job's order; the main
 *               file where none has
 *   {args}      (a word of its own) the job's arguments
 *   {dir}       LANGUAGES_BOX_DIR/<id>
 *   {memory_mib} {memory_bytes} {processes} {open_files} {wall_time_s} {cpu_time_s}    the stage's limits
 *   {memory_mib*60%}  60 % of one of these, rounded down, at least 1
 *   {{ and }}   a brace
 * job->files[0].name must be set. limits: the stage's, settled. *ret is owned by the caller, untouched on failure.
 */
MUST_CHECK int language_command(struct strings *ret, const struct language *language, enum stage stage,
                                const struct job *job, const struct limits *limits, struct err *err);
/* The same for the prompt, where {main}, {stem} and {sources} mean nothing: there need not be a file. */
MUST_CHECK int language_repl_command(struct strings *ret, const struct language *language, const struct job *job,
                                     const struct limits *limits, struct err *err);
/* The same for the stage's warm command, which knows no job. */
MUST_CHECK int language_warm_command(struct strings *ret, const struct language *language, enum stage stage,
                                     const struct limits *limits, struct err *err);
MUST_CHECK int language_env(struct strings *ret, const struct language *language, enum stage stage,
                            const struct job *job, const struct limits *limits, struct err *err);
