/* A folder of language files for one test: made below /tmp, gone with languages_dir_done(). */
#pragma once

struct languages_dir {
    char path[64];
};

/* All assert that they succeed: a test that can't write its files has nothing to say. */
void languages_dir_init(struct languages_dir *dir);
void languages_dir_done(struct languages_dir *dir);
/* Writes DIR/name, making the folders above it. */
void languages_dir_write(const struct languages_dir *dir, const char *name, const char *text);

/* A file with all that is required; what is added goes into [run]. hello.x is beside it. */
#define SMALL_LANGUAGE                                                                             \
    "[language]\nname = X\nsuffixes = .x\nmain = main.x\nhello = hello.x\nneeds = /bin/sh\npackage = x\n" \
    "version_command = /bin/sh --version\nversion_pattern = ([0-9.]+)\n[run]\ncommand = /bin/sh {main} {args}\n"
