#include "store/submission_rows.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

static int copy(struct slice *to, struct slice from)
{
    char *bytes;

    if (from.at == NULL)
        return 0;
    bytes = malloc(from.len + 1);
    if (bytes == NULL)
        return -ENOMEM;
    memcpy(bytes, from.at, from.len);
    bytes[from.len] = '\0';
    *to = (struct slice){.at = bytes, .len = from.len};
    return 0;
}

static void drop(struct slice *slice)
{
    free((char *)(uintptr_t)slice->at); /* ours: see copy() */
    *slice = (struct slice){0};
}

static void drop_all(struct submission_row *row)
{
    drop(&row->request);
    drop(&row->stages);
    drop(&row->files);
}

int submission_rows_add(struct submission_rows *rows, const struct submission_row *row)
{
    struct submission_row own = *row;

    if (rows->n == rows->size) {
        size_t size = rows->size * 2 + 1;
        struct submission_row *at = realloc(rows->at, size * sizeof *at);

        if (at == NULL)
            return -ENOMEM;
        rows->at = at;
        rows->size = size;
    }
    own.request = own.stages = own.files = (struct slice){0};
    if (copy(&own.request, row->request) < 0 || copy(&own.stages, row->stages) < 0 ||
        copy(&own.files, row->files) < 0) {
        drop_all(&own);
        return -ENOMEM;
    }
    rows->at[rows->n++] = own;
    rows->bytes += own.request.len + own.stages.len + own.files.len;
    return 0;
}

void submission_rows_done(struct submission_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        drop_all(&rows->at[i]);
    free(rows->at);
    *rows = (struct submission_rows){0};
}

static void read_text(char *to, size_t size, const struct sql_rows *from, int column)
{
    const char *text = sql_text(from, column);

    (void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

void submission_row_read(struct submission_row *ret, const struct sql_rows *from)
{
    *ret = (struct submission_row){.number = sql_int(from, 0),
                                   .attempts = (uint32_t)sql_int(from, 9),
                                   .created_us = sql_int(from, 10),
                                   .started_us = sql_int(from, 11),
                                   .finished_us = sql_int(from, 12)};
    read_text(ret->id, sizeof ret->id, from, 1);
    read_text(ret->owner, sizeof ret->owner, from, 2);
    read_text(ret->caller, sizeof ret->caller, from, 3);
    read_text(ret->language, sizeof ret->language, from, 4);
    read_text(ret->version, sizeof ret->version, from, 5);
    read_text(ret->status, sizeof ret->status, from, 6);
    read_text(ret->message, sizeof ret->message, from, 7);
    read_text(ret->callback_url, sizeof ret->callback_url, from, 8);
}
