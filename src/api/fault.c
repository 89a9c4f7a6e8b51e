#include "api/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* What a library quotes of the input, and what was cut off by the size, need not be UTF-8. */
static void make_valid(char *text)
{
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = utf8_step(text, left);
        if (n == 0) {
            *text = '?';
            n = 1;
        }
    }
}

int fault_set(struct fault *fault, unsigned status, const char *field, const char *fmt, ...)
{
    va_list ap;

    fault->status = status;
    (void)snprintf(fault->field, sizeof fault->field, "%s", field == NULL ? "" : field);
    va_start(ap, fmt);
    (void)vsnprintf(fault->detail, sizeof fault->detail, fmt, ap);
    va_end(ap);
    make_valid(fault->detail);
    make_valid(fault->field);
    return -1;
}
