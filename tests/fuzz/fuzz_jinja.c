/* Any bytes as a Jinja template: no crash, bounds that hold, the same result twice, and messages of one line. */
#include "text/jinja/jinja.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static struct jinja_value message(struct arena *arena, const char *role, const char *content)
{
    struct jinja_value m = jinja_dict_new(arena, 2);
    jinja_dict_set(arena, m.dict, jinja_text("role"), jinja_text(role));
    jinja_dict_set(arena, m.dict, jinja_text("content"), jinja_text(content));
    return m;
}

static struct jinja_value conversation(struct arena *arena)
{
    struct jinja_value variables = jinja_dict_new(arena, 4), messages = jinja_list_new(arena, 3);
    messages.list->items[0] = message(arena, "system", " be\xC3\xA9 ");
    messages.list->items[1] = message(arena, "user", "<think>\xFF{{ 1 }}");
    messages.list->items[2] = message(arena, "assistant", "");
    jinja_dict_set(arena, variables.dict, jinja_text("messages"), messages);
    jinja_dict_set(arena, variables.dict, jinja_text("tools"), jinja_none());
    jinja_dict_set(arena, variables.dict, jinja_text("bos_token"), jinja_text("<s>"));
    return variables;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct jinja_date date = {2024, 2, 29};
    char why[JINJA_MESSAGE_MAX];
    struct jinja *jinja;
    struct arena arena = {0};
    struct jinja_output first = {0}, second = {0};
    if (jinja_parse(&jinja, (const char *)bytes, size, why)) {
        require(!jinja && *why && !strchr(why, '\n'));
        return 0;
    }
    const struct jinja_value variables = conversation(&arena);
    const enum jinja_result result = jinja_render(jinja, &variables, date, &first);
    require(jinja_render(jinja, &variables, date, &second) == result);
    require((result == JINJA_DONE) == !*first.message && !strchr(first.message, '\n'));
    require(first.text.len == second.text.len && strcmp(first.text.data, second.text.data) == 0);
    for (size_t i = 0; i < first.n_spans; i++)
        require(first.spans[i].begin <= first.spans[i].end && first.spans[i].end <= first.text.len);
    jinja_output_free(&first);
    jinja_output_free(&second);
    arena_free(&arena);
    jinja_free(jinja);
    return 0;
}
