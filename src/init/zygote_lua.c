/*
 * Lua as a zygote. Its executable exports the C API, but nothing that leads to the interpreter's state: so it is told
 * by LUA_INIT, which it runs before it opens its script, to load this library and to call zygote_lua().
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "init/zygote.h"

#define WEAK __attribute__((weak))

typedef struct lua_State lua_State;
typedef int (*lua_CFunction)(lua_State *L);

WEAK void lua_createtable(lua_State *L, int n_array, int n_hash);
WEAK void lua_rawseti(lua_State *L, int index, long long n);
WEAK const char *lua_pushstring(lua_State *L, const char *text);
WEAK void lua_pushinteger(lua_State *L, long long n);
WEAK void lua_pushnil(lua_State *L);
WEAK int lua_getglobal(lua_State *L, const char *name);
WEAK void lua_setglobal(lua_State *L, const char *name);
WEAK int lua_getfield(lua_State *L, int index, const char *name);
WEAK void lua_setfield(lua_State *L, int index, const char *name);
WEAK unsigned long long lua_rawlen(lua_State *L, int index);
WEAK void lua_callk(lua_State *L, int n_args, int n_results, long context, void *k);
WEAK void lua_settop(lua_State *L, int index);
WEAK void lua_pushcclosure(lua_State *L, lua_CFunction function, int n_upvalues);
WEAK lua_CFunction lua_tocfunction(lua_State *L, int index);
WEAK const char *lua_getupvalue(lua_State *L, int function, int n);
WEAK int lua_gettop(lua_State *L);
WEAK int lua_checkstack(lua_State *L, int n);

/* LUA_REGISTRYINDEX of lua.h, with LUAI_MAXSTACK of a Lua whose integers have 32 bits at least. */
enum { REGISTRY = -1000000 - 1000 };

static lua_State *state;

__attribute__((visibility("default"))) int zygote_lua(lua_State *L);

/* The library that this is in stays loaded; that Lua has loaded it, a program shall not find (loadlib.c: by name, and
 * in a list of what is to be unloaded). */
static void forget_library(const char *path)
{
    (void)lua_getfield(state, REGISTRY, "_CLIBS");
    lua_pushnil(state);
    lua_rawseti(state, -2, (long long)lua_rawlen(state, -2));
    lua_pushnil(state);
    lua_setfield(state, -2, path);
    lua_settop(state, -2);
}

static const char *own_path(void)
{
    Dl_info info;

    return dladdr((void *)&state, &info) == 0 ? "" : info.dli_fname;
}

int zygote_lua(lua_State *L)
{
    state = L;
    forget_library(own_path());
    return 0;
}

static void lua_begin(void)
{
    char code[256];

    (void)snprintf(code, sizeof code, "package.loadlib('%s', 'zygote_lua')()", own_path());
    (void)setenv("LUA_INIT", code, 1); /* the program's environment is the job's */
}

/* As createargtable() of lua.c, in the same order: a program may list it. */
static void set_arguments(const struct zygote_job *job, char **arguments)
{
    const int script = (int)(arguments - job->argv) - 1;

    lua_createtable(state, (int)job->argc - (script + 1), script + 1);
    for (int i = 0; i < (int)job->argc; i++) {
        (void)lua_pushstring(state, job->argv[i]);
        lua_rawseti(state, -2, i - script);
    }
    lua_setglobal(state, "arg");
}

/* Without arguments, math.randomseed() takes the time and an address, which the next run may have too. So it has two
 * arguments always; with its own upvalue, and in this function's frame, it can't tell. */
static lua_CFunction plain_randomseed;

static int randomseed(lua_State *L)
{
    long long seed[2];

    if (lua_gettop(L) == 0 && getrandom(seed, sizeof seed, 0) == sizeof seed) {
        lua_pushinteger(L, seed[0]);
        lua_pushinteger(L, seed[1]);
    }
    return plain_randomseed(L);
}

static void lua_warm(const char *preparation)
{
    (void)preparation;
    if (state == NULL || lua_checkstack(state, 8) == 0)
        return;
    (void)lua_getglobal(state, "math");
    (void)lua_getfield(state, -1, "randomseed");
    plain_randomseed = lua_tocfunction(state, -1);
    if (plain_randomseed != NULL && lua_getupvalue(state, -1, 1) != NULL) {
        lua_pushcclosure(state, randomseed, 1);
        lua_setfield(state, -3, "randomseed");
    }
    lua_settop(state, -3);
}

static void lua_after_fork(void)
{
    if (state == NULL)
        return;
    (void)lua_getglobal(state, "math");
    (void)lua_getfield(state, -1, "randomseed");
    lua_callk(state, 0, 0, 0, NULL);
    lua_settop(state, -2);
}

static bool lua_take(const struct zygote_job *job, char **arguments)
{
    if (state == NULL)
        return false;
    if (*arguments != NULL)
        set_arguments(job, arguments);
    return true;
}

const struct zygote_face *zygote_lua_face(void)
{
    static const struct zygote_face face = {
        .begin = lua_begin, .warm = lua_warm, .after_fork = lua_after_fork, .take = lua_take};

    return lua_createtable == NULL ? NULL : &face;
}
