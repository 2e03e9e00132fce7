#include "cmd/model_card.h"

#include "base/io.h"
#include "base/log.h"
#include "files/weights.h"
#include "files/written.h"

#include <stdlib.h>
#include <string.h>

const char model_card_name[] = "README.md";

enum sft_status model_card_choose(struct card_options *card, const struct model_card_options *o, json **evaluation,
                                  struct sft_err *err)
{
    *evaluation = NULL;
    if (o->evaluation && json_parse_file(o->evaluation, evaluation, err))
        return sft_context(err, "--evaluation");
    *card = (struct card_options){.license = o->license,
                                  .base_model = o->base_model,
                                  .datasets = o->datasets,
                                  .languages = o->languages,
                                  .evaluation = *evaluation};
    return card_options_check(card, err);
}

bool model_card_has_place(const char *dir)
{
    char *path = path_join(dir, model_card_name);
    const bool has = !path_has_name(path) || written_by_sft(path);
    free(path);
    return has;
}

/* What --out calls it: a directory's name, or a file's without its ending. */
static char *name_of_model(const struct model_card_of *of)
{
    char *path = path_tidy(mem_strdup(of->path)), *name;
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    name = path_bare_name(path, of->format->ending ? of->format->ending : "");
    free(path);
    return name;
}

/* The model that was asked need not be this directory: what it was exported to is the same. So it is only told. */
static void tell_other_model(const struct model_card_of *of)
{
    const char *asked = json_string(json_get(of->options->evaluation, "model"));
    if (!asked ||
        (model_argument_main(of->model)->snapshot && strcmp(asked, model_argument_main(of->model)->snapshot) == 0))
        return;
    char *theirs = realpath(asked, NULL), *ours = realpath(model_argument_main(of->model)->dir, NULL);
    if (!theirs || !ours || strcmp(theirs, ours) != 0)
        log_warning("--evaluation: the model that was asked is %s, not %s: the card tells it as this one's", asked,
                    model_argument_main(of->model)->dir);
    free(theirs);
    free(ours);
}

/* Whether the weights that the evaluation is of, as far as one can tell, held other numbers than are written. */
static bool evaluated_before_rounding(const struct model_card_of *of)
{
    const char *asked = json_string(json_get(of->options->evaluation, "model"));
    struct strbuf stored = {0};
    bool is_same = of->dtype == &dtype_f32; /* holds any */
    if (of->adapter)
        return of->options->evaluation && !is_same; /* what is merged is rounded in any other */
    if (asked && path_exists(asked))
        weights_dtypes(asked, &stored);
    if (!stored.len)
        weights_dtypes(of->model->model.dir, &stored);
    const char *rest = stored.len ? stored.data : "";
    while (!is_same && *rest) {
        const size_t len = strcspn(rest, ", ");
        is_same = len == strlen(of->dtype->name) && memcmp(rest, of->dtype->name, len) == 0;
        rest += len + strspn(rest + len, ", ");
    }
    strbuf_free(&stored);
    return of->options->evaluation && !is_same;
}

enum sft_status model_card_write(const char *dir, const struct model_card_of *of, struct strbuf *lacks,
                                 struct sft_err *err)
{
    struct card_record record;
    struct strbuf text = {0};
    char *path = path_join(dir, model_card_name), *name = name_of_model(of);
    if (path_has_name(path))
        SFT_BUG("a model whose files are called as its card is");
    struct sft_err unread = {0};
    if (card_record_read(&record, model_argument_main(of->model)->dir, &unread))
        log_warning("%s (the model card cannot tell how it was trained)", SFT_ERR_TEXT(&unread));
    tell_other_model(of);
    const struct card card = {.name = name,
                              .file = of->format->ending ? path_basename(of->path) : NULL,
                              .family = of->config->family->model_type,
                              .dtype = of->dtype->option,
                              .n_parameters = of->n_parameters,
                              .has_template = of->has_template,
                              .template = of->template,
                              .snapshot = model_argument_main(of->model)->snapshot,
                              .record = &record,
                              .adapter = of->adapter,
                              .options = of->options,
                              .evaluated_before_rounding = evaluated_before_rounding(of)};
    card_write(&card, &text);
    card_add_lacks(&card, lacks);
    const enum sft_status status = io_write_file(path, text.data, text.len, err);
    strbuf_free(&text);
    card_record_free(&record);
    free(path);
    free(name);
    return status;
}
