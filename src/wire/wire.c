#include "wire/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "model/job.h"

struct wire_rule {
    const char *name;
    size_t size;             /* exactly */
    size_t min_fds, max_fds; /* descriptors that ride along */
    enum wire_side to;
    int (*check)(const union wire_msg *msg, struct err *err); /* or NULL */
};

static int bad(struct err *err, const char *what)
{
    return err_set(err, -EBADMSG, "%s", what);
}

/* A language id: lower-case letters, digits, "_+-", then NULs to the end of the field. */
static int check_language(const char language[WIRE_LANGUAGE_BYTES], struct err *err)
{
    size_t len = strnlen(language, WIRE_LANGUAGE_BYTES);

    if (len == WIRE_LANGUAGE_BYTES)
        return bad(err, "language is not terminated");
    for (size_t i = 0; i < WIRE_LANGUAGE_BYTES; i++) {
        char c = language[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';

        if (i < len ? !fine : c != '\0')
            return bad(err, "language is not an id");
    }
    return 0;
}

static int check_lease(const union wire_msg *msg, struct err *err)
{
    const struct wire_lease *lease = &msg->lease;

    if (lease->language[0] == '\0')
        return bad(err, "language is empty");
    if (check_language(lease->language, err) < 0)
        return -EBADMSG;
    if (lease->stage >= N_STAGES)
        return bad(err, "stage");
    if ((lease->flags & ~(uint32_t)WIRE_LEASE_FLAGS) != 0)
        return bad(err, "unknown flags");
    if (limits_check(&lease->limits, err) < 0)
        return err_wrap(err, -EBADMSG, "limits");
    return 0;
}

static int check_used(const union wire_msg *msg, struct err *err)
{
    if (msg->used.cause >= WIRE_N_CAUSES)
        return bad(err, "cause");
    return msg->used.reserved == 0 ? 0 : bad(err, "reserved is not zero");
}

static int check_failed(const union wire_msg *msg, struct err *err)
{
    const struct wire_failed *failed = &msg->failed;

    if (failed->code >= 0)
        return bad(err, "code is not negative");
    if (memchr(failed->msg, '\0', sizeof failed->msg) == NULL)
        return bad(err, "sentence is not terminated");
    return failed->reserved == 0 ? 0 : bad(err, "reserved is not zero");
}

static int check_spawn(const union wire_msg *msg, struct err *err)
{
    const uint64_t must = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS;
    const uint64_t may = must | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

    if (msg->spawn.uid == 0 || msg->spawn.uid >= UINT32_MAX - 1)
        return bad(err, "uid");
    if ((msg->spawn.flags & ~(uint32_t)WIRE_SPAWN_FLAGS) != 0)
        return bad(err, "unknown flags");
    if ((msg->spawn.namespaces & must) != must || (msg->spawn.namespaces & ~may) != 0)
        return bad(err, "namespaces");
    return 0;
}

static bool in_bounds(const char *limit, uint64_t value)
{
    const struct limit_info *info = limit_find(limit, strlen(limit));

    return info != NULL && value >= info->min && value <= info->max;
}

static int check_window(const struct wire_job *job, struct err *err)
{
    const bool wanted = (job->flags & WIRE_JOB_TERMINAL) != 0;

    if (wanted && (job->flags & WIRE_JOB_MERGED) != 0)
        return bad(err, "flags that exclude each other");
    if (wanted ? job->rows < 1 || job->rows > JOB_MAX_WINDOW || job->columns < 1 || job->columns > JOB_MAX_WINDOW
               : job->rows != 0 || job->columns != 0)
        return bad(err, "size of the terminal");
    return 0;
}

static int check_job(const union wire_msg *msg, struct err *err)
{
    const struct wire_job *job = &msg->job;

    if (!in_bounds("wall_time_ms", job->wall_time_ms) || !in_bounds("file_bytes", job->file_bytes) ||
        !in_bounds("box_bytes", job->box_bytes) || !in_bounds("open_files", job->open_files))
        return bad(err, "a limit is out of bounds");
    if ((job->flags & ~(uint32_t)WIRE_JOB_FLAGS) != 0)
        return bad(err, "unknown flags");
    return check_window(job, err);
}

static int check_signal(const union wire_msg *msg, struct err *err)
{
    if (!job_signal_is_one(msg->signal.signal))
        return bad(err, "no signal that may be sent");
    return msg->signal.reserved == 0 ? 0 : bad(err, "reserved is not zero");
}

static int check_worker(const union wire_msg *msg, struct err *err)
{
    const struct wire_worker *worker = &msg->worker;

    if (worker->pid < 2 || worker->keeper < 0 || worker->keeper == 1 || worker->keeper == worker->pid)
        return bad(err, "pid");
    return 0;
}

static int check_exited(const union wire_msg *msg, struct err *err)
{
    const struct wire_exited *exited = &msg->exited;
    int32_t max = exited->how == WIRE_EXIT_EXITED ? 255 : exited->how == WIRE_EXIT_SIGNALED ? 64 : 0;

    if (exited->how >= WIRE_N_EXITS)
        return bad(err, "how");
    if (exited->code < 0 || exited->code > max)
        return bad(err, "code");
    return exited->disk_full <= 1 ? 0 : bad(err, "disk_full");
}

static int check_stats(const union wire_msg *msg, struct err *err)
{
    if (msg->stats.kind >= WIRE_KINDS_MAX)
        return bad(err, "kind");
    return msg->stats.reserved == 0 ? 0 : bad(err, "reserved is not zero");
}

static int check_figures(const union wire_msg *msg, struct err *err)
{
    const struct wire_figures *figures = &msg->figures;

    if (check_language(figures->language, err) < 0)
        return -EBADMSG;
    if (figures->n_kinds == 0 || figures->n_kinds > WIRE_KINDS_MAX || figures->kind >= figures->n_kinds)
        return bad(err, "kind");
    if (figures->stage >= N_STAGES)
        return bad(err, "stage");
    if ((figures->flags & ~(uint32_t)WIRE_FIGURES_FLAGS) != 0 || figures->reserved != 0 || figures->reserved_too != 0)
        return bad(err, "unknown flags, or reserved is not zero");
    return 0;
}

/* The whole protocol: a message that is not a row here does not exist. */
/* clang-format off */
static const struct wire_rule wire_rules[WIRE_N_TYPES] = {
    [WIRE_LEASE]   = {"lease",   sizeof(struct wire_lease),   0, 0, WIRE_TO_BOXD,   check_lease},
    [WIRE_USAGE]   = {"usage",   sizeof(struct wire_plain),   0, 0, WIRE_TO_BOXD,   NULL},
    [WIRE_RELEASE] = {"release", sizeof(struct wire_plain),   0, 0, WIRE_TO_BOXD,   NULL},
    [WIRE_LEASED]  = {"leased",  sizeof(struct wire_plain),   1, 1, WIRE_TO_API,    NULL},
    [WIRE_REFUSED] = {"refused", sizeof(struct wire_failed),  0, 0, WIRE_TO_API,    check_failed},
    [WIRE_USED]    = {"used",    sizeof(struct wire_used),    0, 0, WIRE_TO_API,    check_used},
    [WIRE_ENDED]   = {"ended",   sizeof(struct wire_used),    0, 0, WIRE_TO_API,    check_used},
    /* then one cgroup2 directory, or up to four v1 `tasks` files */
    [WIRE_SPAWN]   = {"spawn",   sizeof(struct wire_spawn),   WIRE_SPAWN_FDS, WIRE_SPAWN_FDS + 4, WIRE_TO_ZYGOTE, check_spawn},
    [WIRE_SPAWNED] = {"spawned", sizeof(struct wire_plain),   1, 1, WIRE_FROM_ZYGOTE, NULL},
    [WIRE_ENTER]   = {"enter",   sizeof(struct wire_spawn),   WIRE_ENTER_FDS, WIRE_ENTER_FDS + 4, WIRE_TO_ZYGOTE, check_spawn},
    [WIRE_ENTERED] = {"entered", sizeof(struct wire_plain),   0, 0, WIRE_FROM_ZYGOTE, NULL},
    [WIRE_ADOPT]   = {"adopt",   sizeof(struct wire_plain),   1, 1, WIRE_TO_INIT,   NULL},
    [WIRE_WORKER]  = {"worker",  sizeof(struct wire_worker),  0, 0, WIRE_FROM_WORKER, check_worker},
    [WIRE_READY]   = {"ready",   sizeof(struct wire_plain),   0, 0, WIRE_FROM_INIT, NULL},
    [WIRE_FAILED]  = {"failed",  sizeof(struct wire_failed),  0, 1, WIRE_FROM_INIT, check_failed},
    [WIRE_JOB]     = {"job",     sizeof(struct wire_job),     4, 5, WIRE_TO_INIT,   check_job},
    [WIRE_SIGNAL]  = {"signal",  sizeof(struct wire_signal),  0, 0, WIRE_TO_INIT,   check_signal},
    [WIRE_TERMINAL] = {"terminal", sizeof(struct wire_plain), 1, 1, WIRE_FROM_INIT, NULL},
    [WIRE_STATS]   = {"stats",   sizeof(struct wire_stats),   0, 0, WIRE_TO_BOXD,   check_stats},
    [WIRE_FIGURES] = {"figures", sizeof(struct wire_figures), 0, 0, WIRE_TO_API,    check_figures},
    [WIRE_EXITED]  = {"exited",  sizeof(struct wire_exited),  0, 1, WIRE_FROM_INIT, check_exited},
};
/* clang-format on */

/* A zygote is ready and fails in the same words as an init; a worker fails in them. */
static bool says_it_as_init(enum wire_side to, uint32_t type)
{
    return (type == WIRE_FAILED && (to == WIRE_FROM_ZYGOTE || to == WIRE_FROM_WORKER)) ||
           (type == WIRE_READY && to == WIRE_FROM_ZYGOTE);
}

int wire_decode(union wire_msg *ret, const void *bytes, size_t len, size_t n_fds, enum wire_side to,
                struct err *err)
{
    const struct wire_rule *rule;
    union wire_msg msg = {0};

    if (len < sizeof msg.head || len > sizeof msg)
        return bad(err, "no message of this length");
    memcpy(&msg, bytes, len);
    if (msg.head.magic != WIRE_MAGIC)
        return bad(err, "magic: the other side is another version of Glimpse");
    if (msg.head.type == WIRE_NONE || msg.head.type >= WIRE_N_TYPES)
        return bad(err, "no such type of message");
    rule = &wire_rules[msg.head.type];
    if (rule->to != to && !says_it_as_init(to, msg.head.type))
        return err_set(err, -EBADMSG, "%s: wrong direction", rule->name);
    if (len != rule->size)
        return err_set(err, -EBADMSG, "%s: %zu bytes, not %zu", rule->name, len, rule->size);
    if (n_fds < rule->min_fds || n_fds > rule->max_fds)
        return err_set(err, -EBADMSG, "%s: fd count %zu", rule->name, n_fds);
    if (rule->check != NULL && rule->check(&msg, err) < 0)
        return err_wrap(err, -EBADMSG, "%s", rule->name);
    *ret = msg;
    return 0;
}

size_t wire_size(enum wire_type type)
{
    return type < WIRE_N_TYPES ? wire_rules[type].size : 0;
}

struct wire_head wire_head(enum wire_type type, uint64_t id)
{
    return (struct wire_head){.magic = WIRE_MAGIC, .type = type, .id = id};
}

struct wire_failed wire_failed(enum wire_type type, uint64_t id, const struct err *err)
{
    struct wire_failed failed = {.head = wire_head(type, id), .code = err->code < 0 ? err->code : -EIO};

    _Static_assert(sizeof failed.msg == sizeof err->msg, "a sentence fits whole");
    memcpy(failed.msg, err->msg, sizeof failed.msg);
    failed.msg[sizeof failed.msg - 1] = '\0';
    return failed;
}

int64_t wire_record_check(const struct wire_record *record, uint64_t left, struct err *err)
{
    uint64_t name_max = 0, data_max = 0;

    switch (record->kind) {
    case WIRE_RECORD_ARG:
    case WIRE_RECORD_ENV:
        data_max = JOB_MAX_STRING_BYTES;
        break;
    case WIRE_RECORD_FILE:
        name_max = JOB_MAX_NAME_BYTES;
        data_max = JOB_MAX_FILES_BYTES;
        break;
    case WIRE_RECORD_COLLECT:
    case WIRE_RECORD_FOLDER:
    case WIRE_RECORD_BRING:
        name_max = JOB_MAX_NAME_BYTES;
        break;
    default:
        return bad(err, "record: no such kind");
    }
    if (record->reserved != 0 || record->mode > (record->kind == WIRE_RECORD_FILE))
        return bad(err, "record: mode, or reserved is not zero");
    if (record->name_len > name_max || (name_max > 0 && record->name_len == 0))
        return bad(err, "record: length of the name");
    if (record->data_len > data_max)
        return bad(err, "record: length of the data");
    if (left < sizeof *record || left - sizeof *record < record->name_len + record->data_len)
        return bad(err, "record: longer than what is left");
    return (int64_t)(sizeof *record + record->name_len + record->data_len);
}
