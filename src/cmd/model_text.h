/* What a model wrote, on stdout. On a terminal nothing in it is obeyed: control characters but \n and \t become
 * escapes. A pipe or a file gets the characters as they are. Bytes that are not UTF-8 become U+FFFD. */
#ifndef SFT_CMD_MODEL_TEXT_H
#define SFT_CMD_MODEL_TEXT_H

#include <stddef.h>

void print_model_text(const char *text, size_t len);

#endif
