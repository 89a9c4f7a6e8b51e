/* replay: runs a fuzz target over files and folders of files, without a fuzzer: every build replays the corpora. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, room = 0, n = 1;

    if (file == NULL) {
        perror(path);
        return -1;
    }
    while (n > 0) { /* exactly as long as the input: a read beyond it is seen by AddressSanitizer */
        if (size == room) {
            uint8_t *more = realloc(data, room = room * 2 + 64);

            if (more == NULL)
                abort();
            data = more;
        }
        n = fread(data + size, 1, room - size, file);
        size += n;
    }
    (void)fclose(file);
    data = realloc(data, size > 0 ? size : 1);
    if (data == NULL)
        abort();
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int replay_folder(const char *path, unsigned *n_files)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char name[4096];
    int r = 0;

    if (dir == NULL) {
        perror(path);
        return -1;
    }
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        r = replay_file(name);
        (*n_files)++;
    }
    (void)closedir(dir);
    return r;
}

int main(int argc, char **argv)
{
    unsigned n_files = 0;

    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i], &n_files) < 0)
            return EXIT_FAILURE;
    printf("%u inputs\n", n_files);
    return n_files > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus tests nothing */
}
