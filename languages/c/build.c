/*
 * The compile stage of C and C++: build KIND COMMAND... Made into a program by script/toolchains.
 *
 * COMMAND is what anybody would type: gcc, options, files. What it does with each file was asked of it when the
 * toolchains were prepared (prepare.sh), and is done here without it: cc1 and as, which start at the same time, then the fastest
 * linker that there is. Standard headers that a C++ file begins with come precompiled.
 *
 * Whatever is not as prepared, and whatever has anything to say, be it a warning, is left to COMMAND, from its
 * beginning: its words are shown, and its outcome counts.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/opt/glimpse/toolchains/gcc"

enum {
    MAX_WORDS = 4096,
    MAX_SOURCES = 256,
    MAX_HEADERS = 256, /* that a file begins with */
    PREAMBLE_BYTES = 65536,
    EXIT_CANNOT_EXECUTE = 127,
};

extern char **environ;

/* --- What was prepared ----------------------------------------------------------------------- */

/* A line of FOLDER/KIND/steps: a keyword, then words parted by blanks. */
struct line {
    struct line *next;
    size_t n;
    char *words[];
};

static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *text = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && (text = malloc((size_t)st.st_size + 1)) != NULL) {
        ssize_t n = read(fd, text, (size_t)st.st_size);

        text[n < 0 ? 0 : n] = '\0';
    }
    (void)close(fd);
    return text;
}

static struct line *split_line(char *text)
{
    struct line *line = calloc(1, sizeof *line + (MAX_WORDS + 1) * sizeof(char *));
    char *rest = NULL;

    if (line == NULL)
        return NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL && line->n < MAX_WORDS; word = strtok_r(NULL, " ", &rest))
        line->words[line->n++] = word;
    return line;
}

static struct line *read_steps(const char *kind)
{
    char path[256], *text, *rest = NULL;
    struct line *first = NULL, **last = &first;

    (void)snprintf(path, sizeof path, FOLDER "/%s/steps", kind);
    text = read_file(path);
    if (text == NULL)
        return NULL;
    for (char *row = strtok_r(text, "\n", &rest); row != NULL; row = strtok_r(NULL, "\n", &rest)) {
        *last = split_line(row);
        if (*last == NULL)
            return NULL;
        last = &(*last)->next;
    }
    return first;
}

static const struct line *find_line(const struct line *line, const char *keyword)
{
    while (line != NULL && (line->n == 0 || strcmp(line->words[0], keyword) != 0))
        line = line->next;
    return line;
}

/* The compiler or the headers may have been replaced since: "unchanged PATH SIZE SECONDS". */
static bool is_as_prepared(const struct line *steps)
{
    for (const struct line *line = find_line(steps, "unchanged"); line != NULL; line = find_line(line->next, "unchanged")) {
        struct stat st;

        if (line->n != 4 || stat(line->words[1], &st) < 0 || st.st_size != strtoll(line->words[2], NULL, 10) ||
            st.st_mtime != strtoll(line->words[3], NULL, 10))
            return false;
    }
    return true;
}

/* --- What is asked for ----------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* "suffixes .c" */
static bool is_source(const struct line *steps, const char *name)
{
    const struct line *line = find_line(steps, "suffixes");

    for (size_t i = 1; line != NULL && i < line->n; i++)
        if (ends_with(name, line->words[i]))
            return name[0] != '-' && name[0] != '@';
    return false;
}

/* True where the command is the prepared one ("command ... {sources} ..."); the sources are *first and those behind it. */
static bool match_command(const struct line *steps, char **command, size_t n_command, char ***first, size_t *n)
{
    const struct line *line = find_line(steps, "command");
    size_t at = 0, n_before;

    if (line == NULL || n_command + 2 <= line->n)
        return false;
    *n = n_command - (line->n - 2);
    while (at < line->n - 1 && strcmp(line->words[at + 1], "{sources}") != 0)
        at++;
    n_before = at;
    if (at == line->n - 1 || *n > MAX_SOURCES)
        return false;
    for (at = 0; at < n_before; at++)
        if (strcmp(line->words[at + 1], command[at]) != 0)
            return false;
    for (at = n_before + 1; at < line->n - 1; at++)
        if (strcmp(line->words[at + 1], command[at + *n - 1]) != 0)
            return false;
    *first = command + n_before;
    for (at = 0; at < *n; at++)
        if (!is_source(steps, (*first)[at]))
            return false;
    return true;
}

/* --- The headers that a file begins with ----------------------------------------------------- */

struct preamble {
    size_t n;
    char *names[MAX_HEADERS];
};

/* Behind blanks and comments. NULL where a line goes on behind its end, or a comment has none: no matter what comes then. */
static const char *skip_blanks(const char *at)
{
    for (;;) {
        if (*at != '\0' && strchr(" \t\r\n\v\f", *at) != NULL) {
            at++;
        } else if (at[0] == '/' && at[1] == '/') {
            size_t len = strcspn(at, "\n");

            if (memchr(at, '\\', len) != NULL)
                return NULL;
            at += len;
        } else if (at[0] == '/' && at[1] == '*') {
            at = strstr(at + 2, "*/");
            if (at == NULL)
                return NULL;
            at += 2;
        } else {
            return at;
        }
    }
}

/* "#include <NAME>" and nothing else in its line but a comment; *end is behind the '>'. NULL: it is something else. */
static char *read_include(const char *at, const char **end)
{
    static const char word[] = "include";
    const char *close;

    if (*at != '#')
        return NULL;
    at += 1 + strspn(at + 1, " \t");
    if (strncmp(at, word, sizeof word - 1) != 0)
        return NULL;
    at += sizeof word - 1;
    at += strspn(at, " \t");
    if (*at != '<')
        return NULL;
    close = at + 1 + strcspn(at + 1, ">\n\\");
    if (*close != '>')
        return NULL;
    *end = close + 1 + strspn(close + 1, " \t\r");
    if (**end != '\n' && **end != '\0' && strncmp(*end, "//", 2) != 0)
        return NULL;
    return strndup(at + 1, (size_t)(close - at - 1));
}

static bool has_word(const struct line *line, const char *word)
{
    for (size_t i = 1; line != NULL && i < line->n; i++)
        if (strcmp(line->words[i], word) == 0)
            return true;
    return false;
}

/* Up to the first thing that is neither comment nor a standard header ("headers iostream vector ..."): nothing before
 * any of these can have changed what they mean, nor do they for one another. */
static void read_preamble(struct preamble *preamble, const struct line *headers, const char *path)
{
    static char text[PREAMBLE_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, PREAMBLE_BYTES);
    const char *at = text;

    preamble->n = 0;
    if (fd >= 0)
        (void)close(fd);
    text[n < 0 ? 0 : n] = '\0';
    while (preamble->n < MAX_HEADERS && (at = skip_blanks(at)) != NULL) {
        char *name = read_include(at, &at);

        if (name == NULL || !has_word(headers, name))
            return;
        preamble->names[preamble->n++] = name;
    }
}

static bool includes(const struct preamble *preamble, const char *name)
{
    for (size_t i = 0; i < preamble->n; i++)
        if (strcmp(preamble->names[i], name) == 0)
            return true;
    return false;
}

/* "precompiled PATH HEADER...": the first whose headers the file includes, all of them. The largest come first. */
static const char *find_precompiled(const struct line *steps, const char *source)
{
    const struct line *headers = find_line(steps, "headers");
    struct preamble preamble;

    if (headers == NULL)
        return NULL;
    read_preamble(&preamble, headers, source);
    for (const struct line *line = find_line(steps, "precompiled"); line != NULL; line = find_line(line->next, "precompiled")) {
        size_t i = 2;

        while (i < line->n && includes(&preamble, line->words[i]))
            i++;
        if (i == line->n && i > 2)
            return line->words[1];
    }
    return NULL;
}

/* --- Doing it -------------------------------------------------------------------------------- */

struct words {
    size_t n;
    char *at[MAX_WORDS + MAX_SOURCES + 4];
};

static void add(struct words *words, const char *word)
{
    if (words->n < sizeof words->at / sizeof words->at[0] - 1)
        words->at[words->n++] = (char *)(uintptr_t)word;
    words->at[words->n] = NULL;
}

/* The words of a line; each {...} is filled by the values, name, value, ..., NULL. */
static void fill(struct words *words, const struct line *line, ...)
{
    words->n = 0;
    for (size_t i = 1; i < line->n; i++) {
        const char *word = line->words[i], *name;
        va_list values;

        va_start(values, line);
        while ((name = va_arg(values, const char *)) != NULL) {
            const char *value = va_arg(values, const char *);

            if (strcmp(word, name) == 0)
                word = value;
        }
        va_end(values);
        add(words, word);
    }
}

/* in, out: -1 for /dev/null and `said`. */
static pid_t start(char *const *argv, int in, int out, int said)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (in < 0)
        (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    else
        (void)posix_spawn_file_actions_adddup2(&actions, in, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out < 0 ? said : out, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, said, 2);
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        pid = -1;
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static bool succeeded(pid_t pid)
{
    int status = -1;

    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The compiler writes into a pipe that the assembler reads: it starts while the compiler is at work. */
static bool compile(const struct line *steps, const char *source, const char *object, int said)
{
    const struct line *compiler = find_line(steps, "compile"), *assembler = find_line(steps, "assemble");
    const char *precompiled = find_precompiled(steps, source);
    struct words words;
    pid_t pids[2] = {-1, -1};
    bool done;
    int ends[2];

    if (compiler == NULL || assembler == NULL || pipe2(ends, O_CLOEXEC) < 0)
        return false;
    fill(&words, compiler, "{source}", source, NULL);
    if (precompiled != NULL) {
        add(&words, "-include");
        add(&words, precompiled);
    }
    pids[0] = start(words.at, -1, ends[1], said);
    fill(&words, assembler, "{object}", object, NULL);
    pids[1] = start(words.at, ends[0], -1, said);
    (void)close(ends[0]);
    (void)close(ends[1]);
    done = succeeded(pids[0]);
    return succeeded(pids[1]) && done;
}

/* An object file in memory. The assembler made it, but of what a stranger wrote. */
struct object {
    const char *at;
    size_t size;
    const Elf64_Shdr *sections;
    size_t n;
};

static bool open_object(struct object *object, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const Elf64_Ehdr *head;
    struct stat st;
    void *at = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof *head)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    if (at == MAP_FAILED)
        return false;
    head = at;
    if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shstrndx >= head->e_shnum ||
        head->e_shoff > (size_t)st.st_size || (size_t)head->e_shnum * sizeof(Elf64_Shdr) > (size_t)st.st_size - head->e_shoff)
        return false;
    *object = (struct object){.at = at, .size = (size_t)st.st_size, .n = head->e_shnum};
    object->sections = (const Elf64_Shdr *)(const void *)(object->at + head->e_shoff);
    return true;
}

/* The text at this place of a section of strings; "" where there is none. */
static const char *text_of(const struct object *object, size_t section, size_t place)
{
    const Elf64_Shdr *strings = section < object->n ? &object->sections[section] : NULL;

    if (strings == NULL || strings->sh_offset > object->size || strings->sh_size > object->size - strings->sh_offset ||
        place >= strings->sh_size || memchr(object->at + strings->sh_offset + place, '\0', strings->sh_size - place) == NULL)
        return "";
    return object->at + strings->sh_offset + place;
}

/* Linkers differ in what they say about code that wants an executable stack. */
static bool wants_plain_stack(const struct object *object)
{
    const size_t names = ((const Elf64_Ehdr *)(const void *)object->at)->e_shstrndx;
    bool found = false, executable = false;

    for (size_t i = 0; i < object->n; i++)
        if (strcmp(text_of(object, names, object->sections[i].sh_name), ".note.GNU-stack") == 0) {
            found = true;
            executable = executable || (object->sections[i].sh_flags & SHF_EXECINSTR) != 0;
        }
    return found && !executable;
}

/* True where the object names something that is not in it but in the library of mathematics, or where nobody can tell. */
static bool needs_mathematics(const struct object *object, const struct line *names)
{
    for (size_t i = 0; i < object->n; i++) {
        const Elf64_Shdr *table = &object->sections[i];

        if (table->sh_type != SHT_SYMTAB)
            continue;
        if (table->sh_offset > object->size || table->sh_size > object->size - table->sh_offset || table->sh_offset % 8 != 0)
            return true;
        for (size_t k = 0; k < table->sh_size / sizeof(Elf64_Sym); k++) {
            const Elf64_Sym *symbol = (const Elf64_Sym *)(const void *)(object->at + table->sh_offset) + k;

            if (symbol->st_shndx == SHN_UNDEF && has_word(names, text_of(object, table->sh_link, symbol->st_name)))
                return true;
        }
        return false;
    }
    return true;
}

/* Reading libm takes a fifth of the linker's time. Linked only as needed, it leaves no trace where it is not. */
static bool all_do_without_mathematics(const struct line *steps, char (*objects)[32], size_t n)
{
    const struct line *names = find_line(steps, "mathematics");
    struct object object;

    for (size_t i = 0; i < n && names != NULL; i++)
        if (!open_object(&object, objects[i]) || needs_mathematics(&object, names))
            return false;
    return names != NULL;
}

static bool link_all(const struct line *steps, char (*objects)[32], size_t n, int said)
{
    const struct line *linker = find_line(steps, "link");
    const char *left_out = all_do_without_mathematics(steps, objects, n) ? "-lm" : "";
    struct words words = {0};

    if (linker == NULL)
        return false;
    for (size_t i = 1; i < linker->n; i++) {
        const char *word = linker->words[i];

        if (strcmp(word, "{objects}") == 0)
            for (size_t k = 0; k < n; k++)
                add(&words, objects[k]);
        else if (strcmp(word, left_out) != 0)
            add(&words, word);
    }
    return succeeded(start(words.at, -1, -1, said));
}

static bool is_silent(int said)
{
    struct stat st;

    return fstat(said, &st) == 0 && st.st_size == 0;
}

static bool build(const struct line *steps, char **sources, size_t n)
{
    static char objects[MAX_SOURCES][32];
    int said = memfd_create("said", MFD_CLOEXEC);
    struct object object;
    bool done = said >= 0;

    for (size_t i = 0; i < n && done; i++) {
        (void)snprintf(objects[i], sizeof objects[i], "/tmp/glimpse-%zu.o", i);
        done = compile(steps, sources[i], objects[i], said) && is_silent(said) && open_object(&object, objects[i]) &&
               wants_plain_stack(&object);
    }
    return done && link_all(steps, objects, n, said) && is_silent(said);
}

static void clean_up(const char *made, size_t n)
{
    char object[32];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(object, sizeof object, "/tmp/glimpse-%zu.o", i);
        (void)unlink(object);
    }
    (void)unlink(made);
}

int main(int argc, char **argv)
{
    const struct line *steps;
    char **sources = NULL;
    size_t n = 0;

    if (argc < 3) {
        fputs("usage: build KIND COMMAND...\n", stderr);
        return 2;
    }
    steps = read_steps(argv[1]);
    if (steps != NULL && is_as_prepared(steps) && match_command(steps, argv + 2, (size_t)argc - 2, &sources, &n)) {
        if (build(steps, sources, n))
            return 0;
        clean_up(".glimpse/main", n);
    }
    (void)execv(argv[2], argv + 2);
    fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
    return EXIT_CANNOT_EXECUTE;
}
