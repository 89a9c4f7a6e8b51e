/* Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const lines[] = {
    "2024-02-27 order=17 item=\"oak table\" price=349.50 days=9 by=Ines",
    "2024-02-28 order=18 item=\"pine shelf\" price=89.00 days=3 by=Tom",
    "2024-02-29 order=19 item=\"walnut desk\" price=oops days=12 by=Ada",
    "2024-03-01 order=20 item=\"ash chair\" price=120.25 days=5 by=Ines",
    "garbage in the middle",
    "2024-03-04 order=21 item=\"oak bench\" price=210.00 days=7 by=Tom",
};
#define LINE "^([0-9]{4}-[0-9]{2}-[0-9]{2}) order=([0-9]+) item=\"([^\"]+)\" price=([^ ]+) days=([0-9]+) by=([A-Za-z]+)$"
enum { ORDERS_MAX = 16, GROUPS = 7, PLACES = 7, TEXT = 64 };

struct order {
    time_t due;
    uint32_t id;
    int64_t cents;
    char item[32], by[16];
};

static jmp_buf failed;
static char why[TEXT];

static _Noreturn void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    longjmp(failed, 1);
}

struct heap {
    struct order orders[ORDERS_MAX];
    size_t n;
};

static int compare(const void *a, const void *b)
{
    const struct order *x = a, *y = b;

    return x->due != y->due ? (x->due > y->due) - (x->due < y->due) : (x->id > y->id) - (x->id < y->id);
}

static void swap(struct order *a, struct order *b)
{
    struct order kept = *a;

    *a = *b;
    *b = kept;
}

static void heap_push(struct heap *heap, struct order order)
{
    size_t at = heap->n++;

    for (heap->orders[at] = order; at > 0 && compare(&heap->orders[at], &heap->orders[(at - 1) / 2]) < 0; at = (at - 1) / 2)
        swap(&heap->orders[at], &heap->orders[(at - 1) / 2]);
}

static struct order heap_pop(struct heap *heap)
{
    struct order least = heap->orders[0];

    heap->orders[0] = heap->orders[--heap->n];
    for (size_t at = 0, child; (child = 2 * at + 1) < heap->n; at = child) {
        child += child + 1 < heap->n && compare(&heap->orders[child + 1], &heap->orders[child]) < 0;
        if (compare(&heap->orders[at], &heap->orders[child]) <= 0)
            break;
        swap(&heap->orders[at], &heap->orders[child]);
    }
    return least;
}

static void copy(char *to, size_t size, const char *from, const regmatch_t *match)
{
    snprintf(to, size, "%.*s", (int)(match->rm_eo - match->rm_so), from + match->rm_so);
}

static struct order parse(const regex_t *pattern, size_t number, const char *line)
{
    regmatch_t match[GROUPS];
    struct order order = {0};
    struct tm day = {.tm_hour = 12};
    char text[TEXT], *end;
    double price;

    if (regexec(pattern, line, GROUPS, match, 0) != 0)
        fail("line %zu: not an order: '%.12s'", number, line);
    copy(text, sizeof text, line, &match[4]);
    errno = 0;
    price = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || isnan(price))
        fail("line %zu: no price: %s", number, strerror(EINVAL));
    copy(text, sizeof text, line, &match[1]);
    if (sscanf(text, "%d-%d-%d", &day.tm_year, &day.tm_mon, &day.tm_mday) != 3)
        fail("line %zu: no day", number);
    day.tm_year -= 1900;
    day.tm_mon--;
    day.tm_mday += atoi(line + match[5].rm_so);
    order.due = timegm(&day);
    order.id = (uint32_t)strtoul(line + match[2].rm_so, NULL, 10);
    order.cents = llround(price * 100);
    copy(order.item, sizeof order.item, line, &match[3]);
    copy(order.by, sizeof order.by, line, &match[6]);
    return order;
}

/* The longest common subsequence. */
static void common(const char *a, const char *b, char *ret)
{
    size_t n = strlen(a), m = strlen(b), length;
    unsigned (*best)[m + 1] = calloc(n + 1, sizeof *best);

    for (size_t i = n; i-- > 0;)
        for (size_t j = m; j-- > 0;)
            best[i][j] = a[i] == b[j] ? best[i + 1][j + 1] + 1 : best[i + 1][j] > best[i][j + 1] ? best[i + 1][j] : best[i][j + 1];
    length = best[0][0];
    for (size_t i = 0, j = 0; i < n && j < m;) {
        if (a[i] == b[j]) {
            *ret++ = a[i++];
            j++;
        } else if (best[i + 1][j] >= best[i][j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    *ret = '\0';
    printf("%zu ", length);
    free(best);
}

static void route(int from, int to)
{
    static const char *const names[PLACES] = {"yard", "gate", "mill", "town", "ford", "hill", "port"};
    static const unsigned char roads[PLACES] = {1 << 1 | 1 << 2, 1 << 3 | 1 << 4, 1 << 4, 1 << 5 | 1 << 6, 1 << 5, 1 << 6, 0};
    int came[PLACES], queue[PLACES], head = 0, tail = 0, path[PLACES], n = 0;

    memset(came, -1, sizeof came);
    came[from] = from;
    queue[tail++] = from;
    while (head < tail) {
        int place = queue[head++];

        for (int next = 0; next < PLACES; next++)
            if ((roads[place] >> next & 1) && came[next] < 0) {
                came[next] = place;
                queue[tail++] = next;
            }
    }
    for (int place = to; place != from; place = came[place])
        path[n++] = place;
    printf("%s", names[from]);
    while (n-- > 0)
        printf("->%s", names[path[n]]);
    putchar('\n');
}

static void print_json(const struct order *orders, size_t n)
{
    printf("[");
    for (size_t i = 0; i < n; i++)
        printf("%s{\"id\": %" PRIu32 ", \"item\": \"%s\", \"cents\": %" PRId64 "}", i == 0 ? "" : ", ", orders[i].id, orders[i].item, orders[i].cents);
    printf("]\n");
}

int main(void)
{
    struct heap heap = {.n = 0};
    struct order plan[ORDERS_MAX];
    char text[TEXT];
    regex_t pattern;
    size_t n = 0;

    if (regcomp(&pattern, LINE, REG_EXTENDED) != 0)
        return EXIT_FAILURE;
    for (volatile size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (setjmp(failed) == 0)
            heap_push(&heap, parse(&pattern, i + 1, lines[i]));
        else
            puts(why);
    }
    while (heap.n > 0) {
        struct order *order = &plan[n++];

        *order = heap_pop(&heap);
        strftime(text, sizeof text, "%a %d %b", gmtime(&order->due));
        order->item[0] = (char)toupper((unsigned char)order->item[0]);
        printf("%s %-12s %8.2f %s\n", text, order->item, (double)order->cents / 100, order->by);
    }
    print_json(plan, n);
    common("sandbox of the walnut", "box and the wallet", text);
    printf("'%s' ", text);
    route(0, 6);
    qsort(plan, n, sizeof *plan, compare);
    printf("%" PRIu32 " %d\n", plan[n - 1].id, INT_MAX);
    regfree(&pattern);
    return 0;
}
