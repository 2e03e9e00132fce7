/* Files that an export puts where others may have one of the same name: a Modelfile, a README.md. One that sft has
 * written says so in a comment, its first line (of a card, the first of the front matter, its second), and is written
 * anew while it does; anybody else's is left alone. */
#ifndef SFT_FILES_WRITTEN_H
#define SFT_FILES_WRITTEN_H

#include <stdbool.h>

/* What such a comment says, whatever its language makes of comments. */
#define WRITTEN_BY_SFT "written by sft export, which replaces this file while this line stands"

/* Whether there is a file of this name (no link, no pipe, which would be waited for) with that line. */
bool written_by_sft(const char *path);

/* Whose a file is that sft has written: the rest of its first line, behind the comment, that begins with `head`;
 * malloc'd. NULL: it is not sft's, or has no such line. */
char *written_for(const char *path, const char *head);

#endif
