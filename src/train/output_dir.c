#include "train/output_dir.h"

#include "base/io.h"
#include "base/log.h"
#include "base/version.h"
#include "config/settings.h"
#include "files/checksums.h"
#include "train/checkpoint_list.h"
#include "train/record.h"

#include <stdlib.h>
#include <unistd.h>

void output_dir_init(struct output_dir *out, const struct settings *settings, bool fresh)
{
    *out = (struct output_dir){.path = mem_strdup(settings->train.output_dir),
                               .lock = -1,
                               .save_total_limit = settings->train.save_total_limit};
    for (size_t n = 2; fresh && path_exists(out->path); n++) {
        free(out->path);
        out->path = mem_printf("%s-%zu", settings->train.output_dir, n);
    }
}

static enum sft_status check_format(const json *record, struct sft_err *err)
{
    const double format = json_number(json_get(record, "format")); /* NaN: from before it was written */
    const char *version = json_string(json_get(record, "sft_version"));
    if (!(format > RECORD_FORMAT))
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "format %.0f is newer than this sft (%s) reads: sft %s wrote it", format,
                    SFT_VERSION, version ? version : "of another version");
}

/* Of checkpoint `step`: *found says whether its state is whole; one that is not is told when the run goes on. */
static enum sft_status adopt(uint64_t step, struct settings *settings, bool *found, struct sft_err *err)
{
    static const char name[] = CHECKPOINT_STATE;
    char *dir = checkpoint_path(settings->train.output_dir, step), *path = path_join(dir, name);
    json *record = NULL;
    enum sft_status status = SFT_OK;
    *found = !checksums_verify_file(dir, name, err) && !json_parse_file(path, &record, err);
    if (*found && (check_format(record, err) || run_record_adopt(record, settings, err)))
        status = sft_in_file(err, path, 0);
    json_free(record);
    free(dir);
    free(path);
    return status;
}

/* Any checkpoint will do: what a run is is the same in all of them. */
enum sft_status output_dir_adopt(struct settings *settings, struct sft_err *err)
{
    uint64_t *steps;
    size_t count;
    bool is_found = false;
    if (!path_is_dir(settings->train.output_dir)) /* a file is told of when it is to be made */
        return SFT_OK;
    enum sft_status status = checkpoint_list(settings->train.output_dir, &steps, &count, err);
    for (size_t i = 0; i < count && !is_found && !status; i++)
        status = adopt(steps[i], settings, &is_found, err);
    free(steps);
    return status;
}

enum sft_status output_dir_lock(struct output_dir *out, struct sft_err *err)
{
    if (io_mkdirs(out->path, err))
        return sft_context(err, "[train] output_dir");
    char *path = path_join(out->path, ".lock");
    enum sft_status status = io_lock(path, &out->lock, err);
    if (status == SFT_EUSAGE)
        status = sft_fail(err, SFT_EUSAGE,
                          "[train] output_dir: %s is held by another run (wait for it, or choose another)", out->path);
    free(path);
    return status ? status : checkpoint_clean(out->path, err);
}

enum sft_status output_dir_find(struct output_dir *out, struct sft_err *err)
{
    return checkpoint_find(out->path, &out->found, err);
}

const char *output_dir_precision(const struct output_dir *out)
{
    return json_string(json_get(out->found.state_json, "precision"));
}

static enum sft_status check_record(const struct output_dir *out, const struct run_record *record, struct sft_err *err)
{
    const char *isa_before;
    if (!out->found.dir)
        return SFT_OK;
    if (run_record_check(record, out->found.state_json, &isa_before, err))
        return sft_context(err, "cannot continue %s", out->found.dir);
    if (isa_before)
        log_warning("this run was started with %s kernels and goes on with %s: the results will differ in "
                    "the last bits",
                    isa_before, record->isa);
    return SFT_OK;
}

enum sft_status output_dir_set_record(struct output_dir *out, const struct settings *settings,
                                      const struct base_model *base, const struct adapting *adapting,
                                      const struct train_data *data, const struct train_plan *plan, struct sft_err *err)
{
    struct run_record record = {.settings = settings,
                                .precision = plan->kernels->precision,
                                .isa = plan->kernels->isa,
                                .total_steps = plan->intervals.total_steps};
    run_record_data(&record.train, &data->train);
    run_record_data(&record.eval, &data->eval);
    if (plan->prompts.hash)
        strbuf_printf(&record.prompts, "%016llx", (unsigned long long)plan->prompts.hash);
    run_record_count(&record, &data->train, &data->eval);
    enum sft_status status = run_record_base(&record, base->files.path, err);
    if (!status && adapting->from.dir)
        status = run_record_adapter(&record, adapting->from.dir, err);
    if (!status)
        status = check_record(out, &record, err);
    if (!status) {
        run_record_write(&record, &out->record);
        strbuf_printf(&out->fingerprint, "base %s\nadapter %s", record.base.data,
                      record.adapter.data && !adapting->on ? record.adapter.data : "none");
    }
    run_record_free(&record);
    return status;
}

enum sft_status output_dir_write_rejected(const struct output_dir *out, const struct train_data *data,
                                          struct sft_err *err)
{
    char *path = path_join(out->path, "rejected.jsonl");
    const enum sft_status status = dataset_write_rejected(&data->train, &data->eval, path, err);
    free(path);
    return status;
}

void output_dir_close(struct output_dir *out)
{
    checkpoint_found_free(&out->found);
    strbuf_free(&out->record);
    strbuf_free(&out->fingerprint);
    if (out->path && out->lock >= 0)
        close(out->lock);
    free(out->path);
    *out = (struct output_dir){.lock = -1};
}
