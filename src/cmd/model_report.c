#include "cmd/model_report.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "cmd/model_card.h"
#include "files/gguf/ollama_name.h"
#include "files/written.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what goes beside a file ---- */

/* "       Modelfile (in place of mine.gguf's)"; `ours` is what it will be of. */
static void put_beside(struct strbuf *lines, const char *dir, const struct format_beside *beside, const char *ours)
{
    char *path = path_join(dir, beside->name), *theirs = written_for(path, beside->whose);
    strbuf_printf(lines, "       %s", path);
    if (theirs && strcmp(theirs, ours) != 0) {
        strbuf_puts(lines, " (in place of ");
        strbuf_add_visible(lines, theirs, strlen(theirs));
        strbuf_puts(lines, "'s)");
    }
    strbuf_putc(lines, '\n');
    free(theirs);
    free(path);
}

static void put_others(struct strbuf *lines, const char *dir)
{
    char *path = path_join(dir, model_card_name);
    strbuf_printf(lines, "       %s is not sft's, and stays: the model card is not written\n", path);
    free(path);
}

void model_report_beside(const struct write_target *target, bool wants_card, bool has_card, struct strbuf *lines)
{
    const char *ending = target->format->ending;
    if (!ending)
        return;
    char *dir = path_dirname(target->path), *bare = path_bare_name(target->path, ending);
    for (const struct format_beside *beside = target->format->beside; beside->name; beside++)
        put_beside(lines, dir, beside, path_basename(target->path));
    if (has_card)
        put_beside(lines, dir, &(struct format_beside){model_card_name, CARD_HEADING}, bare);
    else if (wants_card)
        put_others(lines, dir);
    free(bare);
    free(dir);
}

/* ---- the whole ---- */

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

/* Append what its card should have, and only its author knows. */
static void put_lacks(struct strbuf *lines, const struct model_report_of *m)
{
    if (*m->lacks)
        strbuf_printf(lines, "card   it lacks %s\n", m->lacks);
}

/* Append what one does next. */
static void put_next(struct strbuf *lines, const char *out, const struct model_report_of *m)
{
    strbuf_puts(lines, "next   ");
    strbuf_add_shell_word(lines, program_invocation_name); /* as it was called: sft may not be in the PATH */
    strbuf_puts(lines, m->has_turns ? " chat " : " generate --raw ");
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
    put_lacks(&lines, m);
    put_check(&lines, m, target->dtype);
    put_next(&lines, out, m);
    log_info("%s", lines.data);
    log_info("       or in Python: AutoModelForCausalLM.from_pretrained(\"%s\")", out);
    strbuf_free(&lines);
    io_list_free(names, n_names);
    strbuf_free(&list);
}

/* Its llama-cli is for conversations alone; a template that is not known here may be there. */
static void put_llama(struct strbuf *lines, const char *out, const struct model_report_of *m)
{
    strbuf_puts(lines, m->has_template ? "\n       or llama-cli -m " : "\n       or llama-completion -m ");
    strbuf_add_shell_path(lines, out);
    if (!m->has_template)
        strbuf_puts(lines, " -no-cnv -p \"" CARD_BEGINNING "\"");
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

static void report_file(const struct write_target *target, const struct model_report_of *m)
{
    struct strbuf lines = {0};
    tell_written(target->path, bytes_of(target->path), m, target->dtype->option);
    strbuf_puts(&lines, m->beside);
    put_lacks(&lines, m);
    put_check(&lines, m, target->dtype);
    put_next(&lines, target->path, m);
    put_llama(&lines, target->path, m);
    put_ollama(&lines, target, target->format->beside->name);
    log_info("%s", lines.data);
    strbuf_free(&lines);
}

void model_report(const struct write_target *target, const struct model_report_of *m)
{
    if (target->format->ending)
        report_file(target, m);
    else
        report_directory(target, m);
}
