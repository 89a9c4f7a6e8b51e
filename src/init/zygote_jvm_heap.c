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

/* The table, and where things are in an entry. */
static struct {
    const char *entries; /* NULL where there is no such table; it ends with an entry without a class */
    uint64_t stride, class, field, offset, address;
} table;

/* A number that libjvm exports. */
static bool read_number(uint64_t *ret, const char *name)
{
    const uint64_t *number = dlsym(RTLD_DEFAULT, name);

    if (number != NULL)
        *ret = *number;
    return number != NULL;
}

static void find_table(void)
{
    char *const *entries = dlsym(RTLD_DEFAULT, "gHotSpotVMStructs");

    if (entries != NULL && read_number(&table.stride, "gHotSpotVMStructEntryArrayStride") &&
        read_number(&table.class, "gHotSpotVMStructEntryTypeNameOffset") &&
        read_number(&table.field, "gHotSpotVMStructEntryFieldNameOffset") &&
        read_number(&table.offset, "gHotSpotVMStructEntryOffsetOffset") &&
        read_number(&table.address, "gHotSpotVMStructEntryAddressOffset") && table.stride > 0)
        table.entries = *entries;
}

static char *pointer_at(const char *place)
{
    char *pointer;

    memcpy(&pointer, place, sizeof pointer);
    return pointer;
}

/* The table's entry of a field, or NULL. */
static const char *find_entry(const char *class, const char *field)
{
    const char *at = table.entries, *name;

    for (; at != NULL && (name = pointer_at(at + table.class)) != NULL; at += table.stride)
        if (strcmp(name, class) == 0 && strcmp(pointer_at(at + table.field), field) == 0)
            return at;
    return NULL;
}

static char *pointer_in_static(const char *class, const char *field)
{
    const char *entry = find_entry(class, field), *place = entry == NULL ? NULL : pointer_at(entry + table.address);

    return place == NULL ? NULL : pointer_at(place);
}

/* The pointer in a field of an object. NULL where there is no such field, or no object. */
static char *pointer_in(const char *object, const char *class, const char *field)
{
    const char *entry = object == NULL ? NULL : find_entry(class, field);
    uint64_t offset;

    if (entry == NULL)
        return NULL;
    memcpy(&offset, entry + table.offset, sizeof offset);
    return pointer_at(object + offset);
}

/* Until JDK 21, and since then. */
static char *pointer_in_either(const char *object, const char *class, const char *newer_class, const char *field)
{
    char *pointer = pointer_in(object, class, field);

    return pointer != NULL ? pointer : pointer_in(object, newer_class, field);
}

/* The pages from where a space is free to its end. */
static void give_back(const char *space)
{
    const uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t top = (uintptr_t)pointer_in(space, "ContiguousSpace", "_top");
    const uintptr_t end = (uintptr_t)pointer_in_either(space, "Space", "ContiguousSpace", "_end");
    const uintptr_t from = (top + size - 1) / size * size, to = end / size * size;

    if (top != 0 && from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void zygote_give_back_heap(char *const *argv)
{
    static const char *const young_spaces[] = {"_eden_space", "_from_space", "_to_space"};
    const char *heap, *young, *old;

    if (!is_serial(argv))
        return;
    find_table();
    heap = pointer_in_static("Universe", "_collectedHeap");
    young = pointer_in_either(heap, "GenCollectedHeap", "SerialHeap", "_young_gen");
    old = pointer_in_either(heap, "GenCollectedHeap", "SerialHeap", "_old_gen");
    for (size_t i = 0; i < COUNT_OF(young_spaces); i++)
        give_back(pointer_in(young, "DefNewGeneration", young_spaces[i]));
    give_back(pointer_in(old, "TenuredGeneration", "_the_space"));
}
