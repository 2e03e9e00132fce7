#include "report/card_origin.h"

#include "base/mem.h"
#include "base/path.h"
#include "files/hub_cache.h"

#include <stdlib.h>
#include <string.h>

const char *card_setting(const struct card *card, const char *name)
{
    const char *text = json_string(json_get(json_get(card->record->state, "settings"), name));
    return text && *text ? text : NULL;
}

static void split_name(struct card_origin *o, const char *name)
{
    const size_t len = strcspn(name, "@");
    o->id = mem_strndup(name, len);
    o->commit = name[len] ? mem_strdup(name + len + 1) : NULL;
}

/* "run" of run/last and run/checkpoint-30: these say nothing. */
static char *local_name(const char *path)
{
    char *at = mem_strdup(path);
    for (const char *name = path_basename(at); *at && strcmp(at, ".") != 0 && strcmp(at, "/") != 0;
         name = path_basename(at)) {
        if (*name && strcmp(name, "best") != 0 && strcmp(name, "last") != 0 && strcmp(name, "config.json") != 0 &&
            strncmp(name, "checkpoint-", 11) != 0)
            break;
        char *up = path_dirname(at);
        free(at);
        at = up;
    }
    char *name = mem_strdup(path_basename(at));
    free(at);
    return name;
}

struct card_origin card_origin_of(const struct card *card)
{
    struct card_origin o = {.is_itself = !card->record->state && !card->record->is_damaged && !card->adapter};
    const char *recorded = card_setting(card, "model.base");
    const char *base = recorded || !card->adapter ? recorded : card->adapter->base_model;
    char *snapshot = base ? hub_snapshot_name(base) : NULL;
    if (o.is_itself && card->snapshot)
        split_name(&o, card->snapshot);
    else if (snapshot || (base && (strchr(base, '@') || !recorded) && hub_name_is(base)))
        split_name(&o, snapshot ? snapshot : base);
    else if (base)
        o.local = local_name(base);
    o.is_config = o.local && str_has_ending(base, "config.json");
    if (card->options->base_model && !(o.id && strcmp(o.id, card->options->base_model) == 0)) {
        free(o.id);
        free(o.commit);
        o.id = mem_strdup(card->options->base_model);
        o.commit = NULL;
    }
    free(snapshot);
    return o;
}

void card_origin_free(struct card_origin *o)
{
    free(o->id);
    free(o->commit);
    free(o->local);
}
