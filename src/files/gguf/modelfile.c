#include "files/gguf/modelfile.h"

#include "files/written.h"
#include "text/template_go.h"

#include <math.h>
#include <string.h>

const char modelfile_name[] = "Modelfile";

/* Beyond this a conversation takes more memory than one wants to give unasked; ollama's own default is 4096. */
enum { CONTEXT_MAX = 8192 };

/* Text that may have line breaks: in three quotes, which nothing escapes. */
static bool put_quoted(struct strbuf *out, const char *word, const char *text)
{
    static const char quotes[] = "\"\"\"";
    const size_t len = strlen(text);
    if (strstr(text, quotes) || (len && text[len - 1] == '"')) {
        strbuf_printf(out, "# %s: cannot be written here, since it holds three quotes or ends with one\n", word);
        return false;
    }
    strbuf_printf(out, "%s %s%s%s\n", word, quotes, text, quotes);
    return true;
}

static void put_template(const struct modelfile *m, struct strbuf *out)
{
    struct strbuf text = {0};
    size_t len;
    const struct chat_format *format = &m->template->format;
    const char *bos = tokenizer_token_bytes(m->tok, tokenizer_text_start(m->tok), &len),
               *system = template_go_system(format);
    template_go_write(format, bos, &text);
    put_quoted(out, "TEMPLATE", text.data);
    if (system && *system)
        put_quoted(out, "SYSTEM", system);
    strbuf_free(&text);
}

/* One that ends an answer, once. */
static void put_stop(const struct modelfile *m, int32_t id, struct strbuf *out)
{
    struct strbuf line = {0};
    size_t len;
    const char *bytes = tokenizer_token_bytes(m->tok, id, &len);
    if (!bytes || !len || strchr(bytes, '"') || strchr(bytes, '\n'))
        return;
    strbuf_printf(&line, "PARAMETER stop \"%s\"\n", bytes);
    if (!out->data || !strstr(out->data, line.data))
        strbuf_puts(out, line.data);
    strbuf_free(&line);
}

static void put_number(struct strbuf *out, const char *name, double x)
{
    if (isnan(x))
        return;
    strbuf_printf(out, "PARAMETER %s ", name);
    strbuf_double(out, x);
    strbuf_putc(out, '\n');
}

static void put_sampling(const struct generation_config *g, struct strbuf *out)
{
    if (!g->do_sample)
        return;
    put_number(out, "temperature", g->temperature);
    put_number(out, "top_p", g->top_p);
    if (g->top_k != SIZE_MAX)
        put_number(out, "top_k", (double)g->top_k);
    put_number(out, "min_p", g->min_p);
    put_number(out, "repeat_penalty", g->repetition_penalty);
}

void modelfile_print(const struct modelfile *m, struct strbuf *out)
{
    struct strbuf stops = {0};
    strbuf_printf(out, "# %s\n" MODELFILE_FROM "%s\n", WRITTEN_BY_SFT, m->gguf_name);
    if (m->template)
        put_template(m, out);
    if (m->template)
        put_stop(m, m->template->end_of_turn, &stops);
    for (size_t i = 0; i < m->generation->n_end_tokens; i++)
        put_stop(m, m->generation->end_tokens[i], &stops);
    strbuf_puts(out, stops.data ? stops.data : "");
    put_sampling(m->generation, out);
    put_number(out, "num_ctx", (double)(m->context_length < CONTEXT_MAX ? m->context_length : CONTEXT_MAX));
    strbuf_free(&stops);
}
