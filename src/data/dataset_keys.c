/* What a dataset asks of its rows' keys: that none speaks of training without being obeyed, and that the
 * names which the settings give are there. */
#include "data/dataset_checks.h"

#include <string.h>

/* ---- keys that speak of training ---- */

enum { KEYS_SHOWN = 10 };

static void add_flag(struct strbuf *text, const struct dataset_file *file, const struct key_count *key)
{
    strbuf_printf(text, "%s%s:%zu: %s: speaks of training, but not in words that are known (",
                  text->len ? "\n" : "", file->path, (size_t)key->line, key->name);
    if (key->rows > 1)
        strbuf_printf(text, "%zu rows have it; ", (size_t)key->rows);
    strbuf_puts(text, "weight, train, trainable, loss and masked are; [data] columns = ");
    names_add_item(text, key->name, "train");
    strbuf_puts(text, " or ");
    names_add_item(text, key->name, "masked");
    strbuf_puts(text, " says what it means, ");
    names_add_item(text, key->name, "ignore");
    strbuf_puts(text, " passes it over)");
}

enum sft_status dataset_check_keys(const struct dataset *ds, const struct dataset_options *options,
                                   struct sft_err *err)
{
    struct strbuf text = {0};
    size_t n = 0;
    for (size_t f = 0; f < ds->n_files && !options->allows_flags; f++)
        for (size_t i = 0; i < ds->files[f].keys.count; i++) {
            const struct key_count *key = ds->files[f].keys.items[i];
            if (key->kind == KEY_FLAG && n++ < KEYS_SHOWN)
                add_flag(&text, &ds->files[f], key);
        }
    if (n > KEYS_SHOWN)
        strbuf_printf(&text, "\nand %zu more", n - KEYS_SHOWN);
    if (n > 0) {
        struct strbuf visible = {0};
        for (const char *line = text.data, *end; *line; line = *end ? end + 1 : end) {
            end = line + strcspn(line, "\n");
            if (line > text.data)
                strbuf_putc(&visible, '\n');
            strbuf_add_visible(&visible, line, (size_t)(end - line));
        }
        sft_fail_lines(err, SFT_EDATA, visible.data);
        strbuf_free(&visible);
    }
    strbuf_free(&text);
    return n > 0 ? SFT_EDATA : SFT_OK;
}

/* ---- names that no row has ---- */

static bool has_name(const struct dataset *ds, enum key_kind kind, const char *name)
{
    for (size_t f = 0; ds && f < ds->n_files; f++)
        for (size_t i = 0; i < ds->files[f].keys.count; i++) {
            const struct key_count *key = ds->files[f].keys.items[i];
            if (key->kind == kind && strncmp(key->name, name, KEY_NAME_MAX) == 0)
                return true;
        }
    return false;
}

/* The keys of the first file's rows. */
static void list_keys(const struct dataset *ds, struct strbuf *text)
{
    enum { SHOWN = 20 };
    size_t n = 0;
    for (size_t i = 0; i < ds->files[0].keys.count && n <= SHOWN; i++) {
        const struct key_count *key = ds->files[0].keys.items[i];
        if (key->kind > KEY_FLAG)
            continue;
        strbuf_puts(text, n ? ", " : "");
        if (n++ < SHOWN)
            strbuf_add_visible(text, key->name, strlen(key->name));
        else
            strbuf_puts(text, "...");
    }
    strbuf_puts(text, n ? "" : "none that could be read");
}

enum sft_status dataset_check_names(const struct dataset *train, const struct dataset *eval,
                                    const struct names_options *options, struct sft_err *err)
{
    struct names names;
    enum sft_status status = names_init(&names, options, err);
    for (size_t i = 0; !status && i < names.n_columns; i++)
        if (!has_name(train, KEY_COLUMN, names.columns[i].from) &&
            !has_name(eval, KEY_COLUMN, names.columns[i].from)) {
            struct strbuf keys = {0};
            list_keys(train, &keys);
            status = sft_fail(err, SFT_EUSAGE, "[data] columns: no row has '%.80s' (%s has %s)",
                              names.columns[i].from, train->files[0].path, keys.data);
            strbuf_free(&keys);
        }
    for (size_t i = 0; !status && i < names.n_roles; i++)
        if (!has_name(train, KEY_ROLE, names.roles[i].name) && !has_name(eval, KEY_ROLE, names.roles[i].name))
            status = sft_fail(err, SFT_EUSAGE, "[data] roles: no turn is of '%.80s'", names.roles[i].name);
    names_free(&names);
    return status;
}
