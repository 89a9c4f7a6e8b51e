#include "api/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, unsigned status, const char *field, const char *fmt, ...)
{
    va_list ap;

    fault->status = status;
    (void)snprintf(fault->field, sizeof fault->field, "%s", field == NULL ? "" : field);
    va_start(ap, fmt);
    (void)vsnprintf(fault->detail, sizeof fault->detail, fmt, ap);
    va_end(ap);
    return -1;
}
