#include "report/card.h"

#include "files/hub_cache.h"
#include "files/written.h"
#include "report/card_text.h"
#include "report/card_yaml.h"

#include <ctype.h>
#include <string.h>

/* ---- what the author says ---- */

static bool is_word(const char *s)
{
    size_t n = 0;
    while (isascii((unsigned char)s[n]) && (isalnum((unsigned char)s[n]) || strchr("-_.+", s[n])) && s[n])
        n++;
    return n > 0 && !s[n];
}

/* A tag of BCP 47, as far as that is seen from its form: a language's two or three small letters, and maybe a script, a
 * country and so on (zh-Hant, pt-BR); or a word that the hub has for what is none. */
static bool is_language(const char *s)
{
    static const char *const others[] = {"code", "multilingual"};
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";
    if (str_is_one_of(s, strlen(s), others, sizeof others / sizeof *others))
        return true;
    size_t n = strspn(s, small);
    bool is = n == 2 || n == 3;
    for (s += n; is && *s; s += n) {
        const bool has_mark = *s == '-';
        for (n = 0, s++; isascii((unsigned char)s[n]) && isalnum((unsigned char)s[n]); n++)
            ;
        is = has_mark && n >= 2 && n <= 8;
    }
    return is;
}

static enum sft_status fail_number(const char *group, const char *key, const char *expected, const json *found,
                                   struct sft_err *err)
{
    struct strbuf text = {0};
    if (found)
        json_print_line(found, &text);
    sft_fail(err, SFT_EUSAGE, "--evaluation: %s.%s: expected %s, found %s", group, key, expected,
             found ? text.data : "nothing");
    strbuf_free(&text);
    return SFT_EUSAGE;
}

static bool is_share_or_null(const json *x)
{
    return card_is_share(x) || json_is_null(x);
}

/* Counts up to `most`, a rate and its interval, as they go into a table. */
static enum sft_status check_group(const json *e, const char *name, const char *count_key, double most,
                                   struct sft_err *err)
{
    static const char share[] = "a number from 0 to 1";
    const json *group = json_get(e, name), *count = json_get(group, count_key), *interval = json_get(group, "ci95");
    if (!card_is_count(count) || json_number(count) > most)
        return fail_number(name, count_key, "a whole number, and no more than there are prompts", count, err);
    if (!is_share_or_null(json_get(group, "rate")))
        return fail_number(name, "rate", share, json_get(group, "rate"), err);
    for (const json *end = json_first(interval); end; end = json_next(end))
        if (!is_share_or_null(end))
            return fail_number(name, "ci95", share, end, err);
    return SFT_OK;
}

static enum sft_status check_evaluation(const json *e, struct sft_err *err)
{
    const json *unsafe = json_get(json_get(e, "unsafe"), "n"), *safe = json_get(json_get(e, "safe"), "n");
    if (!json_is_number(unsafe) || !json_is_number(safe))
        return sft_fail(err, SFT_EUSAGE,
                        "--evaluation: expected what sft eval DIR --prompts FILE --json prints, an object with unsafe "
                        "and safe");
    if (!card_is_count(unsafe) || !card_is_count(safe))
        return fail_number(card_is_count(unsafe) ? "safe" : "unsafe", "n", "a whole number",
                           card_is_count(unsafe) ? safe : unsafe, err);
    const double n_unsafe = json_number(unsafe), n_safe = json_number(safe);
    if (check_group(e, "unsafe", "refused", n_unsafe, err) || check_group(e, "safe", "refused", n_safe, err) ||
        (json_get(e, "incoherent") && check_group(e, "incoherent", "n", n_unsafe + n_safe, err)))
        return SFT_EUSAGE;
    return SFT_OK;
}

enum sft_status card_options_check(const struct card_options *o, struct sft_err *err)
{
    if (o->license && !is_word(o->license))
        return sft_fail(err, SFT_EUSAGE,
                        "--license: expected the hub's id of a licence, such as apache-2.0, found '%s'", o->license);
    if (o->base_model && (!hub_name_is(o->base_model) || strchr(o->base_model, '@')))
        return sft_fail(err, SFT_EUSAGE, "--base-model: expected a model's name on the hub, ORG/NAME, found '%s'",
                        o->base_model);
    for (size_t i = 0; i < o->languages.count; i++)
        if (!is_language(o->languages.items[i]))
            return sft_fail(err, SFT_EUSAGE,
                            "--language: expected a code such as en or pt-BR, found '%s' (one each: repeat it)",
                            o->languages.items[i]);
    for (size_t i = 0; i < o->datasets.count; i++)
        if (card_dataset_name_len(o->datasets.items[i]) == 0 || str_has_ending(o->datasets.items[i], "="))
            return sft_fail(err, SFT_EUSAGE, "--dataset: expected NAME or NAME=LICENCE, found '%s'",
                            o->datasets.items[i]);
    for (size_t i = 0; i < o->datasets.count; i++) {
        const char *licence = strchr(o->datasets.items[i], '=');
        if (licence && !is_word(licence + 1))
            return sft_fail(err, SFT_EUSAGE,
                            "--dataset: expected behind = the hub's id of a licence, such as cc-by-4.0, found '%s'",
                            licence + 1);
    }
    return o->evaluation ? check_evaluation(o->evaluation, err) : SFT_OK;
}

/* ---- front matter ---- */

static void put_yaml(struct strbuf *out, const char *key, const char *value)
{
    strbuf_printf(out, "%s: ", key);
    yaml_add_string(out, value, strlen(value));
    strbuf_putc(out, '\n');
}

static void put_yaml_item(struct strbuf *out, const char *value, size_t len)
{
    strbuf_puts(out, "- ");
    yaml_add_string(out, value, len);
    strbuf_putc(out, '\n');
}

/* Those of the hub; others are told in the text. */
static void put_yaml_datasets(struct strbuf *out, const struct string_list *datasets)
{
    const char *head = "datasets:\n";
    for (size_t i = 0; i < datasets->count; i++) {
        if (!card_dataset_is_on_hub(datasets->items[i]))
            continue;
        strbuf_puts(out, head);
        put_yaml_item(out, datasets->items[i], card_dataset_name_len(datasets->items[i]));
        head = "";
    }
}

static void put_tags(struct strbuf *out, const struct card *card, const struct card_origin *origin)
{
    const char *const tags[] = {origin->is_itself ? NULL : "sft", card->has_template ? "conversational" : NULL,
                                card->file ? "gguf" : NULL};
    const char *head = "tags:\n";
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (!tags[i])
            continue;
        strbuf_puts(out, head);
        put_yaml_item(out, tags[i], strlen(tags[i]));
        head = "";
    }
}

static void put_front_matter(struct strbuf *out, const struct card *card, const struct card_origin *origin)
{
    const struct card_options *o = card->options;
    strbuf_puts(out, "---\n# " WRITTEN_BY_SFT "\n");
    if (o->license)
        put_yaml(out, "license", o->license);
    if (o->languages.count)
        strbuf_puts(out, "language:\n");
    for (size_t i = 0; i < o->languages.count; i++)
        put_yaml_item(out, o->languages.items[i], strlen(o->languages.items[i]));
    if (origin->id) {
        put_yaml(out, "base_model", origin->id);
        if (!origin->is_itself || card->file)
            put_yaml(out, "base_model_relation", origin->is_itself ? "quantized" : "finetune");
    }
    put_yaml_datasets(out, &o->datasets);
    put_yaml(out, "pipeline_tag", "text-generation");
    if (!card->file)
        put_yaml(out, "library_name", "transformers");
    put_tags(out, card, origin);
    strbuf_puts(out, "---\n\n");
}

void card_write(const struct card *card, struct strbuf *out)
{
    struct card_origin origin = card_origin_of(card);
    put_front_matter(out, card, &origin);
    card_add_text(out, card, &origin);
    card_origin_free(&origin);
}

void card_add_lacks(const struct card *card, struct strbuf *out)
{
    struct card_origin origin = card_origin_of(card);
    const bool has_license = card->options->license, has_base = origin.id || origin.is_config;
    card_origin_free(&origin);
    if (has_license && has_base)
        return;
    strbuf_printf(out, "%s%s%s (%s%s%s)", has_license ? "" : "a licence", has_license || has_base ? "" : " and ",
                  has_base ? "" : "a base model", has_license ? "" : "--license",
                  has_license || has_base ? "" : ", ", has_base ? "" : "--base-model");
}
