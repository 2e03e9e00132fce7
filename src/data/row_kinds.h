/* Bad rows by what is wrong with them, so that one cause is told once and not once a row. */
#ifndef SFT_DATA_ROW_KINDS_H
#define SFT_DATA_ROW_KINDS_H

#include <stddef.h>

/* A message with N for each number and '...' for each quoted value: messages that differ in these only are of one
 * kind. malloc'd, the caller's. */
char *message_kind(const char *message, size_t len);

#endif
