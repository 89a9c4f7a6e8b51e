/* A configuration file: settings within bounds, or an error that says what is wrong. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "fuzz.h"
#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(closep) int fd = fd_memfd("config");
    struct config config = {0};
    struct err err = {0};
    char path[64];

    if (fd < 0 || fd_write_all(fd, data, size) < 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (config_load(&config, path, &err) == 0) {
        assert(config.slots > 0 && config.max_running > 0 && strlen(config.boxd_socket) < 108);
        config_done(&config);
    } else {
        assert(err.msg[0] != '\0');
    }
    return 0;
}
