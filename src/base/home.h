/* "~" in paths that no shell has seen: in a configuration, after --set key=, after --out=. */
#ifndef SFT_BASE_HOME_H
#define SFT_BASE_HOME_H

#include "base/err.h"

/* The path with a leading "~" or "~/" replaced by $HOME, else by the user's entry in the system's list; any
 * other path as it is (./~ is a file of that name). *out is malloc'd and the caller's, NULL after an error.
 * SFT_EUSAGE for ~name, which nobody but a shell understands, and where there is no home. */
enum sft_status path_expand_home(const char *path, char **out, struct sft_err *err);

#endif
