/* A payload or artifact as init walks it: no record reaches beyond what is left, and the walk ends. */
#include "fuzz.h"
#include "model/job.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t left = size;

    while (left >= sizeof(struct wire_record)) {
        struct wire_record record;
        struct err err = {0};
        int64_t whole;

        memcpy(&record, data + (size - left), sizeof record);
        whole = wire_record_check(&record, left, &err);
        if (whole < 0) {
            assert(err.msg[0] != '\0');
            return 0;
        }
        assert((uint64_t)whole <= left && whole >= (int64_t)sizeof record);
        assert(record.name_len <= JOB_MAX_NAME_BYTES && record.data_len <= JOB_MAX_FILES_BYTES);
        left -= (uint64_t)whole;
    }
    return 0;
}
