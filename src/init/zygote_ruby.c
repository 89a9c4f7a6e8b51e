/*
 * Ruby as a zygote. It opens its script, reads the first byte, boots the rest of itself (RubyGems: most of the time
 * that it takes), loads what RUBYOPT says, sets the script's encoding, and parses on from there. So it is given a
 * script of one byte; RUBYOPT has it load this library, which takes the byte back and puts itself in the place of the
 * script's set_encoding(). There it forks, by Ruby's own fork(), and what is parsed on is the job's file.
 *
 * libruby exports the names used here (extension.rdoc, and ruby_set_argv()).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/zygote.h"

#define WEAK __attribute__((weak))

typedef unsigned long VALUE, ID;

extern WEAK VALUE rb_mKernel;
WEAK VALUE rb_eval_string(const char *code);
WEAK void rb_define_singleton_method(VALUE object, const char *name, VALUE (*function)(int, VALUE *, VALUE), int arity);
WEAK VALUE rb_singleton_class(VALUE object);
WEAK void rb_remove_method(VALUE class, const char *name);
WEAK VALUE rb_funcallv(VALUE object, ID name, int argc, const VALUE *argv);
WEAK ID rb_intern(const char *name);
WEAK VALUE rb_gv_get(const char *name);
WEAK VALUE rb_ary_delete(VALUE array, VALUE item);
WEAK VALUE rb_str_new_cstr(const char *text);
WEAK VALUE rb_require(const char *name);
WEAK VALUE rb_gc_start(void);
WEAK void ruby_set_argv(int argc, char **argv);

__attribute__((visibility("default"))) void Init_libzygote(void);

static const char *own_path(void)
{
    Dl_info info;

    return dladdr((void *)&own_path, &info) == 0 ? "" : info.dli_fname;
}

static void ruby_begin(void)
{
    char option[256];

    (void)snprintf(option, sizeof option, "-r%s", own_path());
    (void)setenv("RUBYOPT", option, 1); /* the program's environment is the job's */
}

/* ---- What a start would have treated in another way ---- */

/* The options in a first line like "#!/usr/bin/ruby -w" hold, and without "ruby" in it, the program is elsewhere. */
static bool has_special_line(const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n), *ruby;
    char line[256];

    if (n < 2 || memcmp(text, "#!", 2) != 0)
        return n == 0;
    if (end == NULL || (size_t)(end - text) >= sizeof line)
        return true;
    memcpy(line, text, (size_t)(end - text));
    line[end - text] = '\0';
    ruby = strstr(line, "ruby");
    return ruby == NULL || strstr(ruby, " -") != NULL || strchr(line, '\r') != NULL;
}

static bool is_unusual(int fd)
{
    char text[512];
    ssize_t n = pread(fd, text, sizeof text, 0);

    return n < 0 || has_special_line(text, (size_t)n) || access("/box/.local", F_OK) == 0 ||
           access("/box/.gem", F_OK) == 0 || access("/box/.gemrc", F_OK) == 0;
}

/* ---- The fork ---- */

/* What Ruby forgets when it has required something: that it was this library. The list's index is made anew by the
 * next require, which is not to be a program's. */
static void forget_library(void)
{
    (void)rb_ary_delete(rb_gv_get("$LOADED_FEATURES"), rb_str_new_cstr(own_path()));
    (void)rb_require("monitor"); /* loaded already */
}

/* In the zygote, in place of fork(2), called by Ruby's own fork() with what that does around it. 0 in a worker. */
static pid_t fork_into_boxes(bool *hurry)
{
    struct err err = {0};

    if (zygote_note_descriptors(&err) < 0)
        zygote_give_up(&err);
    zygote_booted();
    zygote_serve(hurry);
    if (zygote_open_descriptors(&err) < 0)
        zygote_fail(&err);
    return 0;
}

static void take_job(int script_fd, bool hurry)
{
    struct zygote_job job;
    char **arguments;
    int fd;

    zygote_wait(&job, hurry);
    fd = zygote_fits(&job, &arguments) ? open(job.argv[arguments - job.argv - 1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || is_unusual(fd) || (fd != script_fd && dup3(fd, script_fd, O_CLOEXEC) < 0))
        zygote_start_afresh(&job);
    if (fd != script_fd)
        (void)close(fd);
    ruby_set_argv((int)(job.argc - (size_t)(arguments - job.argv)), arguments);
}

static int script_fd;

static VALUE set_encoding(int argc, VALUE *argv, VALUE script)
{
    bool hurry = false;

    rb_remove_method(rb_singleton_class(script), "set_encoding");
    forget_library();
    (void)rb_gc_start();
    (void)close(script_fd); /* nothing is open that boxes would share */
    zygote_hook_fork(fork_into_boxes, &hurry);
    (void)rb_funcallv(rb_mKernel, rb_intern("fork"), 0, NULL);
    take_job(script_fd, hurry);
    return rb_funcallv(script, rb_intern("set_encoding"), argc, argv);
}

/* By Ruby, when it has loaded this library as one of its own. */
void Init_libzygote(void)
{
    char code[128];
    VALUE script;

    script_fd = zygote_script_descriptor();
    if (script_fd < 0)
        return; /* this is no zygote */
    (void)snprintf(code, sizeof code, "ObjectSpace.each_object(File).find { |file| file.fileno == %d }", script_fd);
    script = rb_eval_string(code);
    (void)rb_funcallv(script, rb_intern("getbyte"), 0, NULL);
    rb_define_singleton_method(script, "set_encoding", set_encoding, -1);
}

const struct zygote_face *zygote_ruby(void)
{
    static const struct zygote_face face = {.placeholder = "\n", .begin = ruby_begin};

    return ruby_set_argv == NULL || rb_define_singleton_method == NULL ? NULL : &face;
}
