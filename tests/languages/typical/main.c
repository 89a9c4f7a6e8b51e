#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char word[16];
    int total, count;
};

struct shape {
    long (*area)(const struct shape *);
    long a, b;
};

static long circle_area(const struct shape *s)
{
    return s->a * s->a * 314159 / 100000;
}

static long rectangle_area(const struct shape *s)
{
    return s->a * s->b;
}

static int by_total(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    return a->total != b->total ? b->total - a->total : strcmp(a->word, b->word);
}

static void print_top(void)
{
    struct entry entries[64] = {0};
    char word[16];
    int n = 0, value;

    while (scanf("%15s %d", word, &value) == 2) {
        int i = 0;

        while (i < n && strcmp(entries[i].word, word) != 0)
            i++;
        if (i == n)
            strcpy(entries[n++].word, word);
        entries[i].total += value;
        entries[i].count++;
    }
    qsort(entries, n, sizeof entries[0], by_total);
    for (int i = 0; i < 5; i++)
        printf("%s %d %d\n", entries[i].word, entries[i].total, entries[i].count);
}

static void print_primes(int limit)
{
    char *composite = calloc(limit, 1);
    int count = 0, last = 0;

    for (int i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        last = i;
        for (long j = (long)i * i; j < limit; j += i)
            composite[j] = 1;
    }
    printf("primes %d %d\n", count, last);
    free(composite);
}

static long fib(int n)
{
    static long memo[100];

    if (n < 2)
        return n;
    return memo[n] ? memo[n] : (memo[n] = fib(n - 1) + fib(n - 2));
}

static long trace(int n)
{
    int a[n][n];
    long sum = 0;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[i][j] = i * j % 7;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            sum += a[i][k] * a[k][i];
    return sum;
}

int main(void)
{
    const char text[] = "the quick brown fox jumps over the lazy dog";
    const struct shape shapes[] = {{circle_area, 15, 0}, {rectangle_area, 20, 35}, {rectangle_area, 40, 40}};
    long area = 0;
    int vowels = 0;

    print_top();
    print_primes(20000);
    printf("fib %ld\ntrace %ld\n", fib(70), trace(20));
    for (int i = (int)strlen(text) - 1; i >= 0; i--) {
        putchar(text[i]);
        vowels += strchr("aeiou", text[i]) != NULL;
    }
    printf(" %d\n", vowels);
    for (int i = 0; i < 3; i++)
        area += shapes[i].area(&shapes[i]);
    printf("area %ld\n", area);
}
