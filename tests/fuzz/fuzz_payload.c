/*
 * A payload, or (odd first byte) an artifact, as glimpse-init unpacks it: whatever its records say, files appear
 * below the box's folder and nowhere else, and words stay within their tables.
 */
#include "temp_dir.h"
/* Not the header: unpacking for init's own ids and at /box is not for a test, what is below that is. */
#include "init/payload.c"

static void free_words(struct task *task)
{
    for (size_t i = 0; i < task->n_argv; i++)
        free(task->argv[i]);
    for (size_t i = 0; i < task->n_envp; i++)
        free(task->envp[i]);
    for (size_t i = 0; i < task->n_collect; i++)
        free(task->collect[i]);
}

static void check_task(const struct task *task)
{
    assert(task->n_argv <= TASK_MAX_WORDS && task->argv[task->n_argv] == NULL);
    assert(task->n_envp <= TASK_MAX_WORDS && task->envp[task->n_envp] == NULL);
    assert(task->n_collect <= TASK_MAX_COLLECT);
    for (size_t i = 0; i < task->n_collect; i++)
        assert(path_is_inside(task->collect[i]));
}

/* Removes the box, and sees that there was nothing beside it: rmdir(2) of the folder that holds it must do. */
static void check_outside(const char *holder, const char *box)
{
    temp_dir_remove(box);
    assert(rmdir(holder) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct task task;
    CLEANUP(closep) int fd = -1;
    char holder[64], box[80];
    struct err err = {0};
    int r;

    if (size < 1)
        return 0;
    (void)snprintf(holder, sizeof holder, "%s/holder", temp_dir());
    (void)snprintf(box, sizeof box, "%s/box", holder);
    assert(mkdir(holder, 0755) == 0 && mkdir(box, 0755) == 0);
    fd = fd_memfd("payload");
    assert(fd >= 0 && fd_write_all(fd, data + 1, size - 1) == 0);
    task = (struct task){.box_fd = open(box, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    assert(task.box_fd >= 0);
    r = unpack_blob(&task, fd, size - 1, (data[0] & 1) != 0, &err);
    assert(r == 0 || err.msg[0] != '\0');
    check_task(&task);
    free_words(&task);
    (void)close(task.box_fd);
    check_outside(holder, box);
    return 0;
}
