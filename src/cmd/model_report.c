#include "cmd/model_report.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "cmd/model_card.h"
#include "files/gguf/ollama_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static size_t bytes_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

/* "wrote  my-model: 4.3M parameters in bf16, 8.7 MB" */
static void tell_written(const char *out, size_t bytes, const struct model_report_of *m, const char *dtype_name)
{
    char count[16];
    log_info("wrote  %s: %s parameters in %s, %.1f MB", out, log_count(count, (double)m->n_parameters),
             dtype_name, (double)bytes / 1e6);
}

/* Append the line that says what came of running it; where it could not be, a warning says so. */
static void put_check(struct strbuf *lines, const struct model_report_of *m, const struct dtype *dtype)
{
    struct strbuf line = {0};
    if (!m->check->was_run) {
        log_warning("what was written was not run: that takes %.0f MB of memory, and %.0f MB are free",
                    (double)m->check->bytes / 1e6, (double)mem_available() / 1e6);
        return;
    }
    model_check_describe(m->check, dtype, &line);
    strbuf_puts(lines, "check  ");
    strbuf_wrap(lines, line.data, 7, 7);
    strbuf_free(&line);
}

/* Append what one does next. */
static void put_next(struct strbuf *lines, const char *out)
{
    strbuf_puts(lines, "next   ");
    strbuf_add_shell_word(lines, program_invocation_name); /* as it was called: sft may not be in the PATH */
    strbuf_puts(lines, " chat ");
    strbuf_add_shell_path(lines, out);
}

static void report_directory(const struct write_target *target, const struct model_report_of *m)
{
    const char *out = target->path;
    char **names;
    size_t n_names, bytes = 0;
    struct strbuf list = {0}, lines = {0};
    if (io_list(out, &names, &n_names, NULL))
        return;
    for (size_t i = 0; i < n_names; i++) {
        char *path = path_join(out, names[i]);
        bytes += bytes_of(path);
        strbuf_printf(&list, "%s%s", i ? " " : "", names[i]);
        free(path);
    }
    tell_written(out, bytes, m, target->dtype->option);
    strbuf_puts(&lines, "       ");
    strbuf_wrap(&lines, list.data ? list.data : "", 7, 7);
    put_check(&lines, m, target->dtype);
    put_next(&lines, out);
    log_info("%s", lines.data);
    log_info("       or in Python: AutoModelForCausalLM.from_pretrained(\"%s\")", out);
    strbuf_free(&lines);
    io_list_free(names, n_names);
    strbuf_free(&list);
}

/* Its name there is the file's, without the ending, as far as ollama has such names. */
static void put_ollama(struct strbuf *lines, const struct write_target *target, const char *modelfile_name)
{
    char *bare = path_bare_name(target->path, target->format->ending), *dir = path_dirname(target->path),
         *modelfile = path_join(dir, modelfile_name);
    strbuf_puts(lines, "\n       or ollama create ");
    ollama_name_add(lines, bare);
    strbuf_puts(lines, " -f ");
    strbuf_add_shell_path(lines, modelfile);
    free(modelfile);
    free(dir);
    free(bare);
}

static void put_beside(struct strbuf *lines, const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    if (path_exists(path))
        strbuf_printf(lines, "       %s\n", path);
    free(path);
}

static void report_file(const struct write_target *target, const struct model_report_of *m)
{
    const char *const *beside = target->format->beside;
    struct strbuf lines = {0};
    char *dir = path_dirname(target->path);
    tell_written(target->path, bytes_of(target->path), m, target->dtype->option);
    for (size_t i = 0; beside[i]; i++)
        put_beside(&lines, dir, beside[i]);
    if (m->has_card)
        put_beside(&lines, dir, model_card_name);
    else if (m->wants_card)
        log_info("       %s/%s is not sft's, and stays: the model card is not written", dir, model_card_name);
    put_check(&lines, m, target->dtype);
    put_next(&lines, target->path);
    strbuf_puts(&lines, "\n       or llama-cli -m ");
    strbuf_add_shell_path(&lines, target->path);
    put_ollama(&lines, target, beside[0]);
    log_info("%s", lines.data);
    strbuf_free(&lines);
    free(dir);
}

void model_report(const struct write_target *target, const struct model_report_of *m)
{
    if (target->format->ending)
        report_file(target, m);
    else
        report_directory(target, m);
}
