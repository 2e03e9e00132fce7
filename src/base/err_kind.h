/* What errors of one cause have in common, told by the format that printed them and not by what it printed.
 *
 * A format's own words are the cause, and so are the words put into it. Values are not, whatever they are: numbers,
 * what stands in quotes ('%s', \"%s\") and strings with a precision, which are excerpts of the data (%.80s). A number
 * that is a part of a name is none: the %04x of U+%04x.
 *
 *     "expected %s, found %s"        two words: "a string" and "an array" are two causes
 *     "unknown role '%.80s'"         one cause, whatever the role
 *     "messages[%zu]"                one key, whichever message */
#ifndef SFT_BASE_ERR_KIND_H
#define SFT_BASE_ERR_KIND_H

#include <stdarg.h>
#include <stdint.h>

/* The kind of what `fmt` and its arguments print behind an error of kind `before` (0: nothing). It is the same in every
 * process, so that files may hold it. Takes printf's d i u x X o c, s, and a e f g, with l, ll, z and h. */
uint64_t err_kind(uint64_t before, const char *fmt, va_list ap);

#endif
