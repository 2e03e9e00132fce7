/* Pages with marks: what stands for them, and the policy that goes with it. */
#include "serve/page.h"
#include "support/run_suite.h"

#include <check.h>
#include <string.h>

static const uint8_t random_bytes[PAGE_NONCE_BYTES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
#define NONCE "000102030405060708090a0b0c0d0eff"

START_TEST(marks_are_filled_in)
{
    const struct page_mark marks[] = {{"name", "<b a=\"1\">'&\n", false}, {"code", "if (a < b) {{name}}", true}};
    struct strbuf html = {0}, policy = {0};
    page_fill("{{code}}|{{name}}|{{nonce}}|{{other}}|{{names}}|{{name}|{{", marks, 2, random_bytes, &html, &policy);
    ck_assert_str_eq(html.data, "if (a < b) {{name}}|&#60;b a=&#34;1&#34;&#62;&#39;&#38;\\n|" NONCE
                                "|{{other}}|{{names}}|{{name}|{{");
    ck_assert_str_eq(policy.data,
                     "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                     "frame-ancestors 'none'; script-src 'nonce-" NONCE "'; style-src 'nonce-" NONCE "'");
    strbuf_free(&html);
    strbuf_free(&policy);
}
END_TEST

START_TEST(the_page_to_chat_in_has_its_marks)
{
    struct strbuf html = {0}, policy = {0};
    page_print("a<b", random_bytes, &html, &policy);
    ck_assert_ptr_nonnull(strstr(html.data, "a&#60;b"));
    ck_assert_ptr_nonnull(strstr(html.data, "<script nonce=\"" NONCE "\">"));
    ck_assert_ptr_null(strstr(html.data, "{{"));
    strbuf_free(&html);
    strbuf_free(&policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page");
    TCase *tc = tcase_create("page");
    tcase_add_test(tc, marks_are_filled_in);
    tcase_add_test(tc, the_page_to_chat_in_has_its_marks);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
