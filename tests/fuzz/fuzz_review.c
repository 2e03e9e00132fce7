/* Any bytes as a request of the review page: the first byte chooses which, and how the file of the review begins. No
 * crash; the answer is JSON with a status that the page knows; what was decided is read again from the disk as it was.
 * The file under review is the input too, so that any row may be what is decided. */
#include "base/io.h"
#include "collect/review/api.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static const char rows[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"id\":1}]}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}],\"kind\":\"x\"}\n"
    "oops\n";
static const char pairs[] = "{\"prompt\":\"q\",\"chosen\":\"g\",\"rejected\":\"b\"}\n{\"chosen\":5,\"rejected\":6}\n";

/* The input up to its first line break stands for every argument. */
static const char *argument(void *context, const char *name)
{
    (void)name;
    return context;
}

/* A directory of this process's own, removed at its end. */
static char *place;

static void remove_place(void)
{
    io_remove_tree(place, NULL);
    free(place);
}

static const char *file_path(void)
{
    static char *path;
    if (!path) {
        const char *tmp = getenv("TMPDIR");
        place = mem_printf("%s/sft-fuzz-review-XXXXXX", tmp ? tmp : "/tmp");
        require(mkdtemp(place) != NULL);
        atexit(remove_place);
        path = path_join(place, "rows.jsonl");
    }
    return path;
}

static void check_answer(unsigned status, const struct strbuf *out)
{
    json *root;
    require(status == 200 || status == 400 || status == 404 || status == 405 || status == 409);
    require(json_parse(out->data, out->len, &root, NULL) == SFT_OK);
    require(json_is_object(root) && json_is_strict(root));
    json_free(root);
}

static void ask(struct review *review, bool is_post, const char *path, char *text, size_t len)
{
    const struct review_request request = {
        .is_post = is_post, .path = path, .argument = argument, .context = text, .body = text, .n_body = len};
    struct strbuf out = {0};
    check_answer(review_answer(review, &request, &out), &out);
    strbuf_free(&out);
}

/* What is read from the disk is what is in memory. */
static void check_disk(struct review *review, const struct review_options *options)
{
    struct review again;
    struct sft_err err;
    enum verdict verdicts[16];
    const size_t n = review->rows.count < 16 ? review->rows.count : 16, steps = review->mine.n_steps;
    for (size_t row = 1; row <= n; row++)
        verdicts[row - 1] = review_verdict(review, row, NULL);
    review_close(review);
    require(review_open(&again, options, &err) == SFT_OK);
    require(again.mine.n_steps == steps && again.mine.n_bad == 0);
    for (size_t row = 1; row <= n; row++)
        require(review_verdict(&again, row, NULL) == verdicts[row - 1]);
    review_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const paths[] = {"/api/state", "/api/list", "/api/row", "/api/decide", "/api/undo", "/api/none"};
    const char *file = file_path();
    const struct review_options options = {.file = file, .name = "anna", .n_sample = size % 3};
    struct review review;
    struct sft_err err;
    if (size == 0)
        return 0;
    const size_t which = bytes[0] % (sizeof paths / sizeof *paths), form = bytes[0] / 8 % 3;
    char *text = mem_strndup((const char *)bytes + 1, size - 1), *side = mem_printf("%s.review.anna.jsonl", file);
    const char *content = form == 0 ? rows : form == 1 ? pairs : text;
    unlink(side);
    require(io_write_file(file, content, form == 2 ? size - 1 : strlen(content), &err) == SFT_OK);
    if (review_open(&review, &options, &err) == SFT_OK) {
        ask(&review, which >= 3, paths[which], text, size - 1);
        ask(&review, true, "/api/decide", text, size - 1);
        ask(&review, false, "/api/list", text, size - 1);
        for (size_t row = 1; row <= review.rows.count && row <= 4; row++) {
            char number[] = {(char)('0' + row), '\0'};
            ask(&review, false, "/api/row", number, 1);
        }
        ask(&review, true, "/api/undo", text, size - 1);
        check_disk(&review, &options);
    } else {
        review_close(&review);
    }
    free(text);
    free(side);
    return 0;
}
