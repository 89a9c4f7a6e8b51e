/* check: what a language file must be beyond its syntax. Each < 0 comes with a sentence, without the file's name. */
#pragma once

#include "languages/languages.h"

/* A folder's name: [a-z0-9_+-]+, shorter than LANGUAGE_ID_BYTES. */
MUST_CHECK int language_check_id(const char *id, struct err *err);
/* One language by itself: names, paths, patterns, templates, limits. */
MUST_CHECK int language_check(const struct language *language, struct err *err);
/* All together: no id or alias means two languages, no suffix either. */
MUST_CHECK int languages_check_names(const struct languages *languages, struct err *err);
