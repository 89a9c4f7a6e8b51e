/* store_read_keys() */
#include <errno.h>

#include "store/keys_internal.h"
#include "store/op.h"

struct read {
    struct store_op op;
    store_on_keys *on_keys;
    void *arg;         /* borrowed */
    int64_t version;
    struct keys *keys; /* owned; set by run() */
};

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct read *read = (struct read *)(void *)op;

    return keys_read(&read->keys, db, read->version, err);
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct read *read = (struct read *)(void *)op;

    (void)r;
    read->on_keys(read->arg, TAKE_PTR(read->keys), err);
}

static void read_free(struct store_op *op)
{
    struct read *read = (struct read *)(void *)op;

    keys_free(read->keys);
    free(read);
}

int store_read_keys(struct store *store, int64_t version, store_on_keys *on_keys, void *arg, struct err *err)
{
    struct read *read = malloc(sizeof *read);

    if (read == NULL)
        return err_set(err, -ENOMEM, "keys");
    *read = (struct read){.op = {.run = run, .done = done, .free = read_free, .bytes = sizeof *read},
                          .on_keys = on_keys,
                          .arg = arg,
                          .version = version};
    return store_submit(store, STORE_READER, &read->op);
}
