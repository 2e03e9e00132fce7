#include "train/train_data.h"

#include "config/settings.h"
#include "train/options.h"

static struct dataset_options reading_options(const struct base_model *base, const struct settings *settings,
                                              const struct train_data_options *how)
{
    struct dataset_options o = dataset_options_of(settings, base_model_max_length(base, settings->data.max_length));
    o.pairs_only = o.render.pairs && !(settings->dpo.sft_weight > 0);
    o.stop = how->stop;
    o.max_rows = how->max_rows;
    if (how->lenient) {
        o.on_bad_row = ON_BAD_ROW_SKIP;
        o.allows_flags = true;
        o.pairs_only = false;
        if (o.render.overlong == OVERLONG_ERROR)
            o.render.overlong = OVERLONG_DROP;
    }
    return o;
}

static enum sft_status load(struct dataset *ds, const struct string_list *files, const struct base_model *base,
                            const struct dataset_options *options, struct sft_err *err)
{
    if (files->count == 0)
        return SFT_OK;
    return dataset_load(ds, files->items, files->count, &base->template, base->tokenizer, options, err);
}

enum sft_status train_data_load(struct train_data *data, const struct base_model *base, const struct settings *settings,
                                const struct train_data_options *options, struct sft_err *err)
{
    const struct string_list *train = &settings->data.train, *eval = &settings->data.eval;
    const struct dataset_options how = reading_options(base, settings, options);
    *data = (struct train_data){0};
    if (file_spec_find(eval->items, eval->count, err)) /* before hours are spent on the others */
        return err->status;
    if (load(&data->train, train, base, &how, err) || load(&data->eval, eval, base, &how, err))
        return err->status;
    if (options->max_rows) /* the rows that were not read may have the names */
        return SFT_OK;
    return dataset_check_names(&data->train, &data->eval, &how.names, err);
}

static enum sft_status leave_vocabulary_alone(struct train_data *data, struct base_model *base, struct sft_err *err)
{
    if (!dataset_is_documents(&data->train) || !dataset_is_documents(&data->eval))
        return SFT_OK;
    const enum sft_status status = base_model_take_back_template(base, &data->tokenizer, &data->template, err);
    dataset_borrow(&data->train, &data->template, data->tokenizer);
    dataset_borrow(&data->eval, &data->template, data->tokenizer);
    return status;
}

enum sft_status train_data_split(struct train_data *data, struct base_model *base, double eval_fraction,
                                 struct sft_err *err)
{
    if (eval_fraction > 0) {
        const size_t before = data->train.n_examples;
        dataset_split(&data->train, &data->eval, eval_fraction);
        data->eval_is_split = before - data->train.n_examples;
    }
    return leave_vocabulary_alone(data, base, err);
}

enum sft_status train_data_check_any_left(const struct train_data *data, size_t max_length, struct sft_err *err)
{
    struct strbuf why = {0};
    const bool needs_pairs = data->train.how && data->train.how->render.pairs;
    if (needs_pairs ? data->train.n_pairs > 0 : data->train.n_examples > 0)
        return SFT_OK;
    if (dataset_list_left_out(&data->train, &why)) /* where every row is at fault, it is most often one setting */
        strbuf_printf(&why, "; the length limit is %zu tokens", max_length);
    if (data->eval_is_split)
        strbuf_printf(&why, "; set aside for evaluation: %zu (eval_fraction)", data->eval_is_split);
    sft_fail(err, SFT_EDATA, "[data] train: no %s is left to train on%s (look at the files with sft inspect)",
             needs_pairs ? "row with a chosen and a rejected answer, which objective = dpo needs," : "conversation",
             why.data ? why.data : "");
    strbuf_free(&why);
    return SFT_EDATA;
}

void train_data_free(struct train_data *data)
{
    dataset_free(&data->eval); /* before train, from which a split borrows */
    dataset_free(&data->train);
    template_free(&data->template);
    tokenizer_free(data->tokenizer);
    *data = (struct train_data){0};
}
