/*
 * What is free of a JVM's heap after a collection is full of what was collected, and a fork would copy that, page by
 * page, just to write over it. So it is given back to the kernel, and a fork gets pages of zeros (MADV_DONTNEED in
 * madvise(2)).
 *
 * Where it is, the JVM tells debuggers: a table of its classes' fields, with their offsets (vmStructs.cpp of HotSpot,
 * read by the Serviceability Agent). Read while no thread of the JVM's runs. Of the serial collector only, whose
 * generations are one piece each; where anything else is found, nothing is given back.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "init/zygote.h"

static bool is_serial(char *const *argv)
{
    for (; *argv != NULL; argv++)
        if (strcmp(*argv, "-XX:+UseSerialGC") == 0)
            return true; /* a JVM does not start with two of these */
    return false;
}

/* A number that libjvm exports. 0 where it does not, which is no valid one of those that may not be 0. */
static uint64_t number_of(const char *name)
{
    const uint64_t *number = dlsym(RTLD_DEFAULT, name);

    return number == NULL ? 0 : *number;
}

static const char *word_at(const char *entry, const char *offset_name)
{
    const char *word;

    memcpy(&word, entry + number_of(offset_name), sizeof word);
    return word;
}

/* The table's entry of a field, or NULL. The table ends with an entry without a class. */
static const char *find_entry(const char *class, const char *field)
{
    char *const *table = dlsym(RTLD_DEFAULT, "gHotSpotVMStructs");
    const uint64_t stride = number_of("gHotSpotVMStructEntryArrayStride");
    const char *name;

    if (table == NULL || stride == 0 || number_of("gHotSpotVMStructEntryFieldNameOffset") == 0)
        return NULL;
    for (const char *at = *table; (name = word_at(at, "gHotSpotVMStructEntryTypeNameOffset")) != NULL; at += stride)
        if (strcmp(name, class) == 0 && strcmp(word_at(at, "gHotSpotVMStructEntryFieldNameOffset"), field) == 0)
            return at;
    return NULL;
}

/* The pointer in a field of an object, or in a static one where object is NULL. NULL where there is none. */
static char *pointer_in(const char *object, const char *class, const char *field)
{
    const char *entry = find_entry(class, field);
    char *pointer;

    if (entry == NULL)
        return NULL;
    if (object == NULL) {
        memcpy(&object, entry + number_of("gHotSpotVMStructEntryAddressOffset"), sizeof object);
    } else {
        uint64_t offset;

        memcpy(&offset, entry + number_of("gHotSpotVMStructEntryOffsetOffset"), sizeof offset);
        object += offset;
    }
    if (object == NULL)
        return NULL;
    memcpy(&pointer, object, sizeof pointer);
    return pointer;
}

/* Until JDK 21, and since then. */
static char *either(const char *object, const char *class, const char *newer_class, const char *field)
{
    char *pointer = object == NULL ? NULL : pointer_in(object, class, field);

    return pointer == NULL && object != NULL ? pointer_in(object, newer_class, field) : pointer;
}

/* The pages from where a space is free to its end. */
static void give_back(const char *space)
{
    const uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t top = (uintptr_t)(space == NULL ? NULL : pointer_in(space, "ContiguousSpace", "_top"));
    const uintptr_t end = (uintptr_t)either(space, "Space", "ContiguousSpace", "_end");
    const uintptr_t from = (top + size - 1) / size * size, to = end / size * size;

    if (top != 0 && from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void zygote_give_back_heap(char *const *argv)
{
    static const char *const young_spaces[] = {"_eden_space", "_from_space", "_to_space"};
    const char *heap = is_serial(argv) ? pointer_in(NULL, "Universe", "_collectedHeap") : NULL;
    const char *young = either(heap, "GenCollectedHeap", "SerialHeap", "_young_gen");
    const char *old = either(heap, "GenCollectedHeap", "SerialHeap", "_old_gen");

    for (size_t i = 0; young != NULL && i < COUNT_OF(young_spaces); i++)
        give_back(pointer_in(young, "DefNewGeneration", young_spaces[i]));
    if (old != NULL)
        give_back(pointer_in(old, "TenuredGeneration", "_the_space"));
}
