#include "cmd/dialogue.h"

#include "base/io.h"

#include <stdlib.h>
#include <string.h>

void dialogue_free(struct dialogue *d)
{
    strbuf_free(&d->system);
    arena_free(&d->arena);
    free(d->messages);
    free(d->shown);
    *d = (struct dialogue){0};
}

void dialogue_reset(struct dialogue *d)
{
    d->count = d->n_forgotten = 0;
    arena_reset(&d->arena);
}

void dialogue_set_system(struct dialogue *d, const char *text, size_t len)
{
    strbuf_clear(&d->system);
    strbuf_add(&d->system, text, len);
    dialogue_reset(d);
}

void dialogue_say(struct dialogue *d, const struct message *message)
{
    d->messages = mem_grow(d->messages, &d->capacity, d->count + 1, sizeof *d->messages);
    struct message *copy = &d->messages[d->count++];
    *copy = *message;
    copy->content = arena_strndup(&d->arena, message->content, message->len);
}

void dialogue_take_back(struct dialogue *d)
{
    d->count--;
    if (d->n_forgotten > d->count)
        d->n_forgotten = d->count;
}

enum role dialogue_last_role(const struct dialogue *d)
{
    return d->count ? d->messages[d->count - 1].role : ROLE_SYSTEM;
}

static struct message system_message(const struct dialogue *d)
{
    return (struct message){ROLE_SYSTEM, d->system.data, d->system.len, 1};
}

struct conversation dialogue_shown(struct dialogue *d)
{
    const size_t n_system = d->system.len > 0, n = d->count - d->n_forgotten;
    d->shown = mem_grow(d->shown, &d->shown_capacity, n_system + n, sizeof *d->shown);
    if (n_system)
        d->shown[0] = system_message(d);
    if (n)
        memcpy(d->shown + n_system, d->messages + d->n_forgotten, n * sizeof *d->messages);
    return (struct conversation){.messages = d->shown, .count = n_system + n};
}

bool dialogue_forget_oldest(struct dialogue *d)
{
    size_t next = d->n_forgotten + 1;
    while (next < d->count && d->messages[next].role != ROLE_USER)
        next++;
    if (next >= d->count)
        return false;
    d->n_forgotten = next;
    return true;
}

static void add_message(struct strbuf *out, const struct message *message, bool is_first)
{
    strbuf_printf(out, "%s{\"role\": \"%s\", \"content\": ", is_first ? "" : ", ", role_name[message->role]);
    strbuf_json_string(out, message->content, message->len);
    strbuf_puts(out, message->weight > 0 ? "}" : ", \"train\": false}");
}

enum sft_status dialogue_save(const struct dialogue *d, const char *path, bool replaces, struct sft_err *err)
{
    if (!replaces && path_has_name(path))
        return sft_fail(err, SFT_EUSAGE, "%s is there already: choose another name", path);
    struct strbuf out = {0};
    const struct message system = system_message(d);
    strbuf_puts(&out, "{\"messages\": [");
    if (d->system.len)
        add_message(&out, &system, true);
    for (size_t i = 0; i < d->count; i++)
        add_message(&out, &d->messages[i], i == 0 && d->system.len == 0);
    strbuf_puts(&out, "]}\n");
    const enum sft_status status = io_write_file(path, out.data, out.len, err);
    strbuf_free(&out);
    return status;
}
