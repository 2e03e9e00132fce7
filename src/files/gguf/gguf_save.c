#include "files/gguf/gguf_save.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "files/gguf/gguf_config_out.h"
#include "files/gguf/gguf_keys.h"
#include "files/gguf/gguf_tensors_out.h"
#include "files/gguf/gguf_tokenizer_out.h"
#include "files/gguf/gguf_types.h"
#include "files/gguf/modelfile.h"
#include "text/template_unmark.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- general.* ---- */

/* What most of a file is, by llama.cpp's number (include/llama.h, enum llama_ftype): of these as their type's, but
 * BF16's and Q8_0's. */
static size_t file_type(const struct dtype *dtype)
{
    return dtype == &dtype_bf16 ? 32 : dtype == gguf_q8_0 ? 7 : gguf_type_of(dtype);
}

/* "135M", "1.7B": as its converter rounds. */
static void put_size_label(struct gguf_out *out, size_t n_parameters)
{
    static const struct {
        double unit;
        const char *letter;
    } units[] = {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "K"}};
    size_t i = 0;
    while (i < 3 && (double)n_parameters < units[i].unit)
        i++;
    const double x = (double)n_parameters / units[i].unit, whole = rint(x);
    char *label = mem_printf("%.*f%s", whole >= 10 ? 0 : whole >= 1 ? 1 : 2, x, units[i].letter);
    gguf_put_string(out, "general.size_label", label);
    free(label);
}

/* The settings of sampling, as the base's file has them, where it samples: who reads them does. */
static void put_sampling(struct gguf_out *out, const struct model_out *m)
{
    for (size_t i = 0; i < GGUF_SAMPLING && m->generation->do_sample; i++) {
        const json *x = json_get(m->meta->base_generation, gguf_sampling[i].name);
        if (!x || !json_is_number(x))
            continue;
        if (strcmp(gguf_sampling[i].name, "top_k") == 0)
            gguf_put_i32(out, gguf_sampling[i].key, (int32_t)json_number(x));
        else
            gguf_put_f32(out, gguf_sampling[i].key, json_number(x));
    }
}

/* ORG/NAME on the hub. */
static void put_base_model(struct gguf_out *out, const char *base_model)
{
    const char *slash = strchr(base_model, '/');
    char *organization = slash ? mem_strndup(base_model, (size_t)(slash - base_model)) : NULL,
         *url = mem_printf("https://huggingface.co/%s", base_model);
    gguf_put_u32(out, "general.base_model.count", 1);
    gguf_put_string(out, "general.base_model.0.name", slash ? slash + 1 : base_model);
    if (organization)
        gguf_put_string(out, "general.base_model.0.organization", organization);
    gguf_put_string(out, "general.base_model.0.repo_url", url);
    free(organization);
    free(url);
}

static void put_general(struct gguf_out *out, const struct model_out *m, const char *path)
{
    char *name = path_bare_name(path, ".gguf");
    gguf_put_string(out, "general.architecture", m->config->family->gguf.architecture);
    gguf_put_string(out, "general.type", "model");
    gguf_put_string(out, "general.name", name);
    put_size_label(out, m->table->n_parameters);
    if (m->meta->license)
        gguf_put_string(out, "general.license", m->meta->license);
    if (m->meta->base_model)
        put_base_model(out, m->meta->base_model);
    put_sampling(out, m);
    gguf_put_u32(out, "general.file_type", file_type(m->meta->dtype));
    gguf_put_u32(out, "general.quantization_version", 2); /* of blocks: it has not changed since 2023 */
    free(name);
}

/* ---- the file ---- */

static enum sft_status put_tokenizer(struct gguf_out *out, const struct model_out *m, struct sft_err *err)
{
    struct strbuf jinja = {0};
    const char *own = tokenizer_chat_template(m->tokenizer);
    const int32_t end = m->template ? m->template->end_of_turn : TOKEN_NONE;
    if (own)
        template_unmark(own, &jinja);
    const struct gguf_tokens tokens = {.tok = m->tokenizer,
                                       .config = m->config,
                                       .end_of_turn = (size_t)end < m->config->vocab_size ? end : TOKEN_NONE,
                                       .generation = m->generation,
                                       .jinja = jinja.data};
    const enum sft_status status = gguf_tokenizer_put(out, &tokens, err);
    strbuf_free(&jinja);
    return status;
}

static enum sft_status write_file(const struct gguf_out *out, const struct model_out *m, const char *path,
                                  struct sft_err *err)
{
    struct gguf_writer *w = gguf_writer_open(out, path, err);
    enum sft_status status = w ? gguf_tensors_write(w, m, err) : err->status;
    if (status)
        gguf_writer_abort(w);
    else
        status = gguf_writer_commit(w, err);
    return status;
}

static enum sft_status write_modelfile(const struct model_out *m, const char *path, struct sft_err *err)
{
    struct strbuf text = {0};
    char *dir = path_dirname(path), *beside = path_join(dir, modelfile_name);
    modelfile_print(&(struct modelfile){path_basename(path), m->tokenizer, m->template, m->generation,
                                        gguf_context_length(m->config)},
                    &text);
    const enum sft_status status = io_write_file(beside, text.data, text.len, err);
    strbuf_free(&text);
    free(beside);
    free(dir);
    return status;
}

/* What is as it is because llama.cpp has no more. */
static void tell(const struct model_out *m)
{
    const size_t positions = gguf_context_length(m->config);
    if (positions < m->config->n_positions)
        log_warning("llama.cpp's %s knows no sliding window: its context is the window's %zu positions, not %zu",
                    m->config->family->gguf.architecture, positions, m->config->n_positions);
    if (tokenizer_chat_template(m->tokenizer) && gguf_tokenizer_adds_blanks(m->tokenizer))
        log_warning("llama.cpp puts a blank before what follows a control token, where this tokenizer puts none: in a "
                    "chat its ids differ there");
    if (tokenizer_chat_template(m->tokenizer) && !m->template)
        log_warning("the chat template is none that sft knows: it is in the file, but %s has no TEMPLATE",
                    modelfile_name);
}

enum sft_status gguf_save(const struct model_out *m, const char *path, struct sft_err *err)
{
    struct gguf_out out = {0};
    if (gguf_config_check(m->config, err))
        return SFT_EDATA;
    if (!m->tokenizer)
        return sft_fail(err, SFT_EDATA, "not written as GGUF: there is no tokenizer");
    put_general(&out, m, path);
    gguf_config_put(&out, m->config);
    enum sft_status status = put_tokenizer(&out, m, err);
    if (!status) {
        gguf_tensors_put(&out, m);
        tell(m);
        status = write_file(&out, m, path, err);
    }
    gguf_out_free(&out);
    return status ? status : write_modelfile(m, path, err);
}
