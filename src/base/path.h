/* Paths: what they are made of, and what is there. Strings returned are malloc'd and the caller's. */
#ifndef SFT_BASE_PATH_H
#define SFT_BASE_PATH_H

#include "base/err.h"

#include <stdbool.h>

char *path_join(const char *dir, const char *name); /* name alone if it is absolute */
char *path_tidy(char *path);                 /* "a/../b" to "b", "./b" to "b", in place, where a is no link */
char *path_dirname(const char *path);        /* "." if there is no slash */
const char *path_basename(const char *path); /* points into path */
bool path_has_ending(const char *path, const char *ending); /* in capitals or not: "a.GGUF" ends in ".gguf" */
char *path_bare_name(const char *path, const char *ending); /* its base name, without such an ending */
bool path_exists(const char *path);
bool path_has_name(const char *path); /* the same, but that a link to what is not there counts */
bool path_holds(const char *dir, const char *name);      /* path_exists of a name in a directory */
bool path_holds_name(const char *dir, const char *name); /* path_has_name of it */
bool path_is_dir(const char *path);

/* ---- "~" in paths that no shell has seen: in a configuration, after --set key=, after --out= ---- */

/* The path with a leading "~" or "~/" replaced by $HOME, else by the user's entry in the system's list; any
 * other path as it is (./~ is a file of that name). *out is malloc'd and the caller's, NULL after an error.
 * SFT_EUSAGE for ~name, which nobody but a shell understands, and where there is no home. */
enum sft_status path_expand_home(const char *path, char **out, struct sft_err *err);

#endif
