/* banned: functions that invite overruns, shells or surprises, turned into compile errors.
 * Force-included into every file of ours (meson.build); [git banned.h]. */
#pragma once

/* The headers that declare them come first, so that the poison below hits only our own text. */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll system popen alloca gets
