/* The readers over whole files: every file of conversations in SFT_ASSETS against counts and checksums that
 * Python computed by rules of its own (json, gzip, re.split and zlib.crc32); and random conversations,
 * written as a row of each format and read back. */
#include "base/rng.h"
#include "data/readers/reader.h"
#include "support/err_text.h"
#include "support/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* ---- real files ---- */

/* What a file holds: roles are counted in the order of role_name, bytes are those of all content, and the
 * checksum runs over "ROLE\0CONTENT\0" of each turn and "\n" behind each conversation. */
struct census {
    size_t rows, conversations, turns[ROLE_COUNT], with_tools, bytes;
    unsigned long crc;
};

static const struct {
    const char *path, *format;
    struct census census;
} files[] = {
    {"data/dolly-safety/databricks-dolly-15k-safety-only.jsonl",
     "dolly",
     {387, 387, {0, 387, 387, 0}, 0, 739896, 0xe40995d3}},
    {"data/fastchat/dummy_conversation.json",
     "sharegpt",
     {500, 500, {0, 1000, 1000, 0}, 0, 80773, 0x5eb250cb}},
    {"data/gsm8k/test.jsonl", "question", {1319, 1319, {0, 1319, 1319, 0}, 0, 703180, 0xfc39e226}},
    {"data/gsm8k/train.jsonl", "question", {7473, 7473, {0, 7473, 7473, 0}, 0, 3903418, 0x50391d7c}},
    {"data/hh-rlhf/test.jsonl.gz", "hh", {2312, 2312, {0, 5756, 5764, 0}, 0, 1402172, 0x4fc42145}},
    {"data/llama-factory/alpaca_en_demo.json", "alpaca", {999, 999, {0, 999, 999, 0}, 0, 787928, 0xf5a0fae7}},
    {"data/llama-factory/glaive_toolcall_en_demo.json",
     "sharegpt",
     {300, 300, {0, 746, 957, 211}, 191, 506392, 0x86f65ef4}},
    {"data/llama-factory/identity.json", "alpaca", {91, 91, {0, 91, 91, 0}, 0, 14297, 0x5b222734}},
    {"data/open-assistant/en_100_tree.jsonl", "oasst", {100, 100, {0, 181, 142, 0}, 0, 193089, 0x74849d02}},
    {"data/open-assistant/en_100_tree.jsonl",
     "oasst-all",
     {100, 626, {0, 1212, 986, 0}, 0, 955289, 0x71c0d647}},
    {"data/safety-tuned-llamas/safety_only_data_Instructions.json",
     "alpaca",
     {2483, 2483, {0, 2483, 2483, 0}, 0, 1032969, 0x09b28094}},
    {"dialogue/schema-guided-dialogue.jsonl.gz",
     "messages",
     {5659, 5659, {0, 43914, 43914, 0}, 0, 4406708, 0x1dfbca92}},
    {"dialogue/taskmaster-4.jsonl.gz", "messages", {3710, 3710, {0, 6995, 6920, 0}, 0, 666295, 0x21da3376}},
    {"dialogue/topical-chat.jsonl.gz",
     "messages",
     {2156, 2156, {0, 24225, 22678, 0}, 0, 4842350, 0x2a58a489}},
};

/* A file's bytes, unpacked where it is packed. */
static void read_file(const char *path, struct strbuf *bytes)
{
    static char block[1 << 16];
    int n;
    gzFile file = gzopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while ((n = gzread(file, block, sizeof block)) > 0)
        strbuf_add(bytes, block, (size_t)n);
    ck_assert_int_eq(n, 0);
    gzclose(file);
}

static unsigned long crc_add(unsigned long crc, const char *bytes, size_t len)
{
    return crc32_z(crc, (const unsigned char *)bytes, len);
}

static void count_conversation(const struct conversation *conv, struct census *census)
{
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        census->turns[m->role]++;
        census->bytes += m->len;
        census->crc = crc_add(census->crc, role_name[m->role], strlen(role_name[m->role]) + 1);
        census->crc = crc_add(census->crc, m->content, m->len);
        census->crc = crc_add(census->crc, "", 1);
    }
    census->crc = crc_add(census->crc, "\n", 1);
    census->conversations++;
    census->with_tools += conv->has_tools;
}

/* Every row must be of `format` (oasst-all is never found, and so is forced). */
static void count_row(const struct json_element *row, const char *format, struct census *census)
{
    struct arena arena = {0};
    struct conversations list;
    struct sft_err err;
    json *root;
    ck_assert_msg(json_parse(row->text, row->len, &root, &err) == SFT_OK, "line %zu: %s", row->line,
                  err_text(&err));
    const struct reader *reader = reader_by_name(format), *found = reader_detect(root, &err);
    ck_assert_msg(found == reader || strcmp(format, "oasst-all") == 0, "line %zu", row->line);
    ck_assert_msg(reader_read(reader, root, NULL, &arena, &list, &err) == SFT_OK, "line %zu: %s", row->line,
                  err_text(&err));
    for (size_t i = 0; i < list.count; i++)
        count_conversation(&list.items[i], census);
    census->rows++;
    json_free(root);
    arena_free(&arena);
}

static void check_file(const char *path, const char *format, const struct census *expected)
{
    struct strbuf bytes = {0};
    struct json_scanner scanner;
    struct json_element row;
    struct census census = {0};
    bool found;
    read_file(path, &bytes);
    json_scanner_init(&scanner, bytes.data, bytes.len);
    while (json_scanner_next(&scanner, &row, &found, NULL) == SFT_OK && found)
        count_row(&row, format, &census);
    strbuf_free(&bytes);
    ck_assert_uint_eq(census.rows, expected->rows);
    ck_assert_uint_eq(census.conversations, expected->conversations);
    for (size_t role = 0; role < ROLE_COUNT; role++)
        ck_assert_uint_eq(census.turns[role], expected->turns[role]);
    ck_assert_uint_eq(census.with_tools, expected->with_tools);
    ck_assert_uint_eq(census.bytes, expected->bytes);
    ck_assert_msg(census.crc == expected->crc, "%s as %s: %08lx", path, format, census.crc);
}

START_TEST(real_files)
{
    const char *assets = getenv("SFT_ASSETS") ? getenv("SFT_ASSETS") : "../shared/assets";
    if (access(assets, R_OK) != 0) {
        printf("SKIP: real_files: no %s\n", assets);
        return;
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = mem_printf("%s/%s", assets, files[i].path);
        check_file(path, files[i].format, &files[i].census);
        free(path);
    }
}
END_TEST

/* ---- random conversations ---- */

enum shape {
    ANY,       /* any roles, any weights */
    SPEECH,    /* user and assistant in any order, weight 1 */
    EXCHANGE,  /* perhaps a system turn, then question and answer */
    EXCHANGES, /* the same, with several questions and answers */
};

enum { MAX_TURNS = 12 };

static const char *random_text(struct rng *rng, struct arena *arena)
{
    static const char *const pieces[] = {"a",           " ",
                                         "line\nline",  "one\n\ntwo",
                                         "\"",          "\\",
                                         "\t",          "Human:",
                                         "Assistant: ", "\x01",
                                         "\x7f",        "\xC3\xA9",
                                         "{}",          "</tool_call>",
                                         "<|im_end|>",  "\xF0\x9F\x99\x82",
                                         "[\"x\"]",     "\\u0041"};
    const char *text = "";
    for (size_t n = rng_below(rng, 7); n > 0; n--)
        text = arena_printf(arena, "%s%s", text, pieces[rng_below(rng, sizeof pieces / sizeof *pieces)]);
    return text;
}

static void add_turn(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                     float weight)
{
    if (!conv->messages)
        conv->messages = arena_calloc(arena, MAX_TURNS, sizeof *conv->messages);
    conv->messages[conv->count++] = (struct message){role, content, strlen(content), weight};
}

static void random_conversation(struct conversation *conv, enum shape shape, struct rng *rng,
                                struct arena *arena)
{
    *conv = (struct conversation){0};
    if (shape == ANY || shape == SPEECH) {
        for (size_t n = 2 + rng_below(rng, MAX_TURNS - 1); n > 0; n--) {
            const uint64_t any = rng_below(rng, shape == ANY ? ROLE_COUNT : 2);
            const enum role role = (enum role)(shape == ANY ? any : ROLE_USER + any);
            const float weight = shape == ANY ? 0.25F * (float)rng_below(rng, 6) : 1.0F;
            add_turn(conv, arena, role, random_text(rng, arena), weight);
        }
        return;
    }
    const size_t n_turns = shape == EXCHANGE ? 2 : 2 + 2 * rng_below(rng, 4);
    if (rng_below(rng, 2))
        add_turn(conv, arena, ROLE_SYSTEM, arena_printf(arena, "s%s", random_text(rng, arena)), 1.0F);
    for (size_t i = 0; i < n_turns; i++)
        add_turn(conv, arena, i % 2 ? ROLE_ASSISTANT : ROLE_USER, random_text(rng, arena), 1.0F);
}

static void put_field(struct strbuf *row, const char *key, const char *value)
{
    strbuf_printf(row, "%s\"%s\":", row->data[row->len - 1] == '{' ? "" : ",", key);
    strbuf_json_string(row, value, strlen(value));
}

static const char *pick(struct rng *rng, const char *const *names)
{
    size_t n = 0;
    while (names[n])
        n++;
    return names[rng_below(rng, n)];
}

/* ---- a row of each format; the caller closes it ---- */

/* Messages from..to; the content now and then in parts. */
static void put_messages(struct strbuf *row, const struct conversation *conv, size_t from, size_t to,
                         struct rng *rng)
{
    strbuf_putc(row, '[');
    for (size_t i = from; i < to; i++) {
        const struct message *m = &conv->messages[i];
        strbuf_puts(row, i > from ? ",{" : "{");
        put_field(row, "role", role_name[m->role]);
        strbuf_printf(row, ",\"weight\":%g,\"content\":", (double)m->weight);
        if (rng_below(rng, 3)) {
            strbuf_json_string(row, m->content, m->len);
        } else {
            size_t cut = rng_below(rng, m->len + 1);
            while ((m->content[cut] & 0xC0) == 0x80) /* not in the middle of a character */
                cut--;
            strbuf_puts(row, "[{\"type\":\"text\",\"text\":");
            strbuf_json_string(row, m->content, cut);
            strbuf_puts(row, "},{\"type\":\"text\",\"text\":");
            strbuf_json_string(row, m->content + cut, m->len - cut);
            strbuf_puts(row, "}]");
        }
        strbuf_putc(row, '}');
    }
    strbuf_putc(row, ']');
}

static void write_messages(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    strbuf_puts(row, "{\"messages\":");
    put_messages(row, conv, 0, conv->count, rng);
}

static void write_sharegpt(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    static const char *const names[ROLE_COUNT][6] = {{"system"},
                                                     {"human", "user"},
                                                     {"gpt", "assistant", "chatgpt", "bot", "model"},
                                                     {"tool", "observation", "function_response"}};
    strbuf_puts(row, rng_below(rng, 2) ? "{\"conversations\":[" : "{\"conversation\":[");
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        strbuf_puts(row, i ? ",{" : "{");
        put_field(row, "from", pick(rng, names[m->role]));
        put_field(row, "value", m->content);
        strbuf_printf(row, ",\"weight\":%g}", (double)m->weight);
    }
    strbuf_puts(row, "]");
}

static void write_prompt_lists(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    const size_t cut = 1 + rng_below(rng, conv->count - 1);
    strbuf_puts(row, "{\"prompt\":");
    put_messages(row, conv, 0, cut, rng);
    strbuf_puts(row, ",\"completion\":");
    put_messages(row, conv, cut, conv->count, rng);
}

static void write_chosen_lists(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    const size_t cut = rng_below(rng, conv->count);
    strbuf_puts(row, "{");
    if (cut > 0) {
        strbuf_puts(row, "\"prompt\":");
        put_messages(row, conv, 0, cut, rng);
        strbuf_puts(row, ",");
    }
    strbuf_puts(row, "\"rejected\":[],\"chosen\":");
    put_messages(row, conv, cut, conv->count, rng);
}

/* The last exchange under its keys; before it a system's turn, and alpaca's history. */
static void write_exchanges(struct strbuf *row, const struct conversation *conv, const char *question,
                            const char *answer)
{
    const size_t first = conv->messages[0].role == ROLE_SYSTEM;
    strbuf_puts(row, "{");
    if (first)
        put_field(row, "system", conv->messages[0].content);
    put_field(row, question, conv->messages[conv->count - 2].content);
    put_field(row, answer, conv->messages[conv->count - 1].content);
    if (conv->count - first == 2)
        return;
    strbuf_puts(row, ",\"history\":[");
    for (size_t i = first; i + 2 < conv->count; i++) {
        strbuf_puts(row, i == first ? "[" : (i - first) % 2 ? "," : ",[");
        strbuf_json_string(row, conv->messages[i].content, conv->messages[i].len);
        strbuf_puts(row, (i - first) % 2 ? "]" : "");
    }
    strbuf_puts(row, "]");
}

static void write_alpaca(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    write_exchanges(row, conv, "instruction", "output");
    if (rng_below(rng, 2))
        put_field(row, "input", rng_below(rng, 2) ? "" : " \n\t");
}

static void write_dolly(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    write_exchanges(row, conv, "instruction", "response");
    if (rng_below(rng, 2))
        put_field(row, "context", "");
}

static void write_question(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    (void)rng;
    write_exchanges(row, conv, "question", "answer");
}

static void write_prompt(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    (void)rng;
    write_exchanges(row, conv, "prompt", "completion");
}

static void write_hh(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    struct strbuf transcript = {0};
    (void)rng;
    for (size_t i = 0; i < conv->count; i++)
        strbuf_printf(&transcript, "\n\n%s: %s", conv->messages[i].role == ROLE_USER ? "Human" : "Assistant",
                      conv->messages[i].content);
    strbuf_puts(row, "{");
    put_field(row, "chosen", transcript.data);
    put_field(row, "rejected", "\n\nHuman: no");
    strbuf_free(&transcript);
}

static void put_node(struct strbuf *row, const char *role, const char *content)
{
    strbuf_puts(row, "{");
    put_field(row, "role", role);
    put_field(row, "text", content);
}

/* The conversation as the best path of a tree, among replies of worse ranks, without ranks, and deleted. */
static void write_oasst(struct strbuf *row, const struct conversation *conv, struct rng *rng)
{
    static const char *const worse[] = {",\"rank\":7}", ",\"rank\":null}", "}",
                                        ",\"rank\":-1,\"deleted\":true}", NULL};
    strbuf_puts(row, "{\"prompt\":");
    for (size_t i = 0; i < conv->count; i++) {
        put_node(row, conv->messages[i].role == ROLE_USER ? "prompter" : "assistant",
                 conv->messages[i].content);
        if (i + 1 == conv->count)
            break;
        strbuf_puts(row, ",\"rank\":3,\"replies\":[");
        for (size_t n = rng_below(rng, 3); n > 0; n--) {
            put_node(row, "assistant", "worse");
            strbuf_puts(row, pick(rng, worse));
            strbuf_puts(row, ",");
        }
    }
    strbuf_puts(row, ",\"rank\":3}");
    for (size_t i = 1; i < conv->count; i++)
        strbuf_puts(row, "]}");
}

static const struct {
    const char *format;
    enum shape shape;
    void (*write)(struct strbuf *row, const struct conversation *conv, struct rng *rng);
} writers[] = {
    {"messages", ANY, write_messages},   {"sharegpt", ANY, write_sharegpt},
    {"prompt", ANY, write_prompt_lists}, {"hh", ANY, write_chosen_lists},
    {"prompt", EXCHANGE, write_prompt},  {"alpaca", EXCHANGES, write_alpaca},
    {"dolly", EXCHANGES, write_dolly},   {"hh", SPEECH, write_hh},
    {"oasst", SPEECH, write_oasst},      {"question", EXCHANGE, write_question},
};

static void check_equal(const struct conversation *got, const struct conversation *expected, const char *row)
{
    ck_assert_msg(got->count == expected->count, "%s", row);
    for (size_t i = 0; i < got->count; i++) {
        const struct message *g = &got->messages[i], *e = &expected->messages[i];
        ck_assert_msg(g->role == e->role && g->len == e->len, "turn %zu of %s", i, row);
        ck_assert_msg(memcmp(g->content, e->content, e->len) == 0, "turn %zu of %s", i, row);
        ck_assert_msg(fabsf(g->weight - e->weight) <= 0.0F, "turn %zu of %s", i, row);
    }
}

static void check_round_trip(size_t w, struct rng *rng)
{
    struct arena arena = {0};
    struct strbuf row = {0};
    struct conversation conv;
    struct conversations list;
    struct sft_err err;
    json *root;
    random_conversation(&conv, writers[w].shape, rng, &arena);
    writers[w].write(&row, &conv, rng);
    strbuf_puts(&row, "}");
    ck_assert_msg(json_parse(row.data, row.len, &root, &err) == SFT_OK, "%s: %s", err_text(&err), row.data);
    const struct reader *reader = reader_detect(root, &err);
    ck_assert_msg(reader == reader_by_name(writers[w].format), "%s", row.data);
    ck_assert_msg(reader_read(reader, root, NULL, &arena, &list, &err) == SFT_OK, "%s: %s", err_text(&err),
                  row.data);
    ck_assert_uint_eq(list.count, 1);
    check_equal(&list.items[0], &conv, row.data);
    json_free(root);
    strbuf_free(&row);
    arena_free(&arena);
}

START_TEST(round_trips)
{
    struct rng rng;
    rng_seed(&rng, 6, 0);
    for (size_t i = 0; i < 500; i++)
        for (size_t w = 0; w < sizeof writers / sizeof *writers; w++)
            check_round_trip(w, &rng);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readers over files");
    TCase *cases = tcase_create("cases");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, real_files);
    tcase_add_test(cases, round_trips);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
