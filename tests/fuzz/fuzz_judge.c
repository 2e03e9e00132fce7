/* Any bytes as a prompt and an answer, which the first NUL separates: no crash, a label, the same one again; and an
 * answer that is only blanks is incoherent. */
#include "judge/refusal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* A copy of its exact size, so that reading past it is caught. */
static char *copy_of(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1);
    require(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

static bool is_blank(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (text[n] == ' ' || text[n] == '\n' || text[n] == '\t'))
        n++;
    return n == len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = size ? memchr(bytes, 0, size) : NULL;
    const size_t prompt_len = end ? (size_t)(end - bytes) : 0, answer_at = end ? prompt_len + 1 : 0;
    const size_t answer_len = size - answer_at;
    char *prompt = copy_of(bytes, prompt_len), *answer = copy_of(bytes + answer_at, answer_len);
    const enum refusal_label label = refusal_judge(prompt, prompt_len, answer, answer_len);
    require(label < N_JUDGED && refusal_label_name(label) != NULL);
    require(refusal_judge(prompt, prompt_len, answer, answer_len) == label);
    require(!is_blank(answer, answer_len) || label == JUDGED_INCOHERENT);
    free(prompt);
    free(answer);
    return 0;
}
