/* Many tensors' names in one message: those that differ in numbers only as one. */
#ifndef SFT_FILES_NAME_GROUPS_H
#define SFT_FILES_NAME_GROUPS_H

#include "base/strbuf.h"

/* "h.*.ln_1.bias (12), v_head.weight and 3 more". Zeroed is empty; free with name_groups_free. */
struct name_groups {
    struct name_group {
        char *pattern;
        size_t count;
    } * groups;
    size_t n_groups, n_names;
};
void name_groups_add(struct name_groups *groups, const char *name);
void name_groups_print(const struct name_groups *groups, struct strbuf *out);
void name_groups_free(struct name_groups *groups);

#endif
