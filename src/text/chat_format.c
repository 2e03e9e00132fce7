#include "text/chat_format.h"

void chat_format_affixes(struct chat_format *format, struct affix *affixes[CHAT_AFFIXES])
{
    struct affix *const others[] = {&format->start,        &format->opened,       &format->after,
                                    &format->after_last,   &format->end,          &format->prompt,
                                    &format->tool_join,    &format->first_prefix, &format->first_suffix,
                                    &format->fold_before,  &format->fold_after,   &format->think_open,
                                    &format->think_close};
    enum { N_OTHERS = sizeof others / sizeof *others };
    size_t n = 0;
    _Static_assert((int)N_OTHERS + 2 * CHAT_MODES + 2 * ROLE_COUNT == CHAT_AFFIXES, "every affix");
    for (size_t i = 0; i < N_OTHERS; i++)
        affixes[n++] = others[i];
    for (size_t mode = 0; mode < CHAT_MODES; mode++) {
        affixes[n++] = &format->modes[mode].first_prefix;
        affixes[n++] = &format->modes[mode].opened;
    }
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        affixes[n++] = &format->prefix[role];
        affixes[n++] = &format->suffix[role];
    }
}
