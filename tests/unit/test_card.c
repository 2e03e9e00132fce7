/* The model card: its front matter is YAML whatever names hold, and it tells what is known and no more. (That other
 * readers take it: tests/peers/card_peers.py.) */
#include "report/card.h"

#include "report/card_yaml.h"
#include "scratch.h"
#include "support/run_suite.h"

static struct strbuf out;

static void teardown(void)
{
    strbuf_free(&out);
}

static void yaml_is(const char *s, size_t len, const char *expected)
{
    strbuf_clear(&out);
    yaml_add_string(&out, s, len);
    ck_assert_str_eq(out.data, expected);
}

START_TEST(strings_of_yaml)
{
    static const char *const plain[] = {"en", "apache-2.0", "meta-llama/Llama-3.2-1B", "a", "fine_tuned.v2"};
    static const char *const quoted[] = {
        "no",   "Yes", "NULL", "off", "true", "n",   "1.0", "1e3", "-", "- a", "a: b", "a #b", "[a]",        "{a}",
        "*a",   "&a",  "!a",   "%a",  "@a",   "~",   "",    " a",  "a ", "'a'", "a, b", "|",    ">",          "?",
        "0x10", ":",   "#",    "`a`", "---",  ".in", "a=b", "y",   "on", "+",   "=",    "<<",   "2001-01-01",
        "\xC3\xA9"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        yaml_is(plain[i], strlen(plain[i]), plain[i]);
    for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++) {
        char *expected = mem_printf("\"%s\"", quoted[i]);
        yaml_is(quoted[i], strlen(quoted[i]), expected);
        free(expected);
    }
    yaml_is("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    yaml_is("a\n\t\0b", 5, "\"a\\u000a\\u0009\\u0000b\"");
    yaml_is("\x7F\xC2\x85\xE2\x80\xA8\xEF\xBB\xBF", 9, "\"\\u007f\\u0085\\u2028\\ufeff\"");
    yaml_is("\xF0\x9F\x98\x80", 4, "\"\xF0\x9F\x98\x80\"");
    yaml_is("a\xFFz", 3, "\"a\xEF\xBF\xBDz\""); /* not UTF-8 */
}
END_TEST

/* ---- whole cards ---- */

static struct card_options options;
static struct card_record record;
static struct card card;
static json *evaluation;

static json *parse(const char *text)
{
    json *root = NULL;
    ck_assert_msg(json_parse(text, strlen(text), &root, &err) == SFT_OK, "%s", err_text(&err));
    return root;
}

static const char STATE[] =
    "{\"step\": 1234, \"num_tokens\": 1234567, \"num_target_tokens\": 999, \"precision\": \"bf16\", \"settings\": {"
    "\"model.base\": \"acme/tiny@0123456789012345678901234567890123456789\","
    "\"data.train\": \"/home/me/secret/a|b.jsonl\","
    "\"train.learning_rate\": \"0.002\", \"train.max_steps\": \"0\", \"data.system\": \"\", \"train.seed\": \"42\","
    "\"eval.prompts\": \"/home/me/secret/p.csv \\\"/home/me/secret/q r.csv\\\"\"},"
    "\"data\": {\"train\": [{\"file\": \"a|b.jsonl\", \"conversations\": 12, \"tokens\": 3456, \"target_tokens\": 78}],"
    "\"eval\": [{\"file\": \"c.jsonl\", \"conversations\": 3, \"tokens\": 4, \"target_tokens\": 5}]}}";
static const char EVAL[] =
    "{\"step\": 1234, \"eval_loss\": 1.25, \"eval_mean_token_accuracy\": 0.5, \"eval_refusal_rate\": 0.925,"
    "\"eval_over_refusal_rate\": null, \"eval_incoherent_rate\": 0}";
static const char JUDGED[] =
    "{\"eval_loss\": 1, \"eval_refusal_rate\": 0.75, \"eval_judged\": {"
    "\"unsafe\":{\"n\":4,\"refused\":3,\"rate\":0.75,\"ci95\":[0.300642,0.954413]},"
    "\"safe\":{\"n\":1,\"refused\":0,\"rate\":0,\"ci95\":[0,0.793451]},"
    "\"incoherent\":{\"n\":-1,\"rate\":0.2,\"ci95\":[0.036224,0.624465]}}}";
static const char RATES[] =
    "{\"unsafe\":{\"n\":100,\"refused\":93,\"rate\":0.93,\"ci95\":[0.8625,0.9657]},"
    "\"safe\":{\"n\":0,\"refused\":0,\"rate\":null,\"ci95\":[null,null]},"
    "\"incoherent\":{\"n\":1,\"rate\":0.01,\"ci95\":[0.0018,0.0545]},\"prompts\":[\"/home/me/secret/prompts.csv\"]}";

static void setup_card(void)
{
    options = (struct card_options){0};
    record = (struct card_record){0};
    card = (struct card){.name = "my-model",
                         .family = "gpt2",
                         .dtype = "f32",
                         .n_parameters = 4339968,
                         .has_template = true,
                         .template = "im_sep",
                         .record = &record,
                         .options = &options};
}

static void teardown_card(void)
{
    card_record_free(&record);
    json_free(evaluation);
    evaluation = NULL;
    teardown();
}

static void write_card(void)
{
    strbuf_clear(&out);
    card_write(&card, &out);
}

static void holds(const char *text)
{
    ck_assert_msg(strstr(out.data, text) != NULL, "no '%s' in\n%s", text, out.data);
}

static void lacks(const char *text)
{
    ck_assert_msg(strstr(out.data, text) == NULL, "'%s' in\n%s", text, out.data);
}

START_TEST(what_is_not_known_is_left_out)
{
    static const char *const unknown[] = {"license", "language:", "base_model", "datasets",   "## Training", "nan",
                                          "(null)",  "- sft",     "inf",        "fine-tuned", "## Evaluation"};
    write_card();
    ck_assert_msg(strncmp(out.data, "---\n# written by sft export, ", 29) == 0, "%s", out.data);
    holds("pipeline_tag: text-generation\nlibrary_name: transformers\ntags:\n- conversational\n---\n\n# my-model\n\n"
          "A `gpt2` model of 4.3M parameters in f32, written with sft ");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        lacks(unknown[i]);
    card.template = NULL; /* one that is not known here: others can render it */
    write_card();
    holds(" It has a chat template of its own.\n");
    holds("messages = [{");
    holds("| sft generate --raw my-model\n");
    card.has_template = false;
    card.family = "opt";
    write_card();
    holds("\n\nAn `opt` model of ");
    holds("messages = \"The quick brown fox\"\n");
    holds("| sft generate --raw my-model\n");
    lacks("tags:");
    record.state = parse("{}"); /* of a program that wrote nothing that is looked for */
    record.eval = parse("{}");
    write_card();
    lacks("nan");
    lacks("(null)");
    lacks("## Evaluation");
}
END_TEST

START_TEST(what_is_known)
{
    char *datasets[] = {"acme/rows=cc-by-4.0", "rows of my own=cc-by-4.0", "acme/more"}, *languages[] = {"en", "no"};
    record.state = parse(STATE);
    record.eval = parse(EVAL);
    options = (struct card_options){.license = "mit", .datasets = {datasets, 3}, .languages = {languages, 2}};
    write_card();
    holds("license: mit\nlanguage:\n- en\n- \"no\"\nbase_model: acme/tiny\nbase_model_relation: finetune\ndatasets:\n"
          "- acme/rows\n- acme/more\npipeline_tag: text-generation\n");
    holds("fine-tuned from [acme/tiny](https://huggingface.co/acme/tiny) (commit `0123456789`) with sft ");
    holds("| `a\\|b.jsonl` | 12 | 3,456 | 78 |\n\n- [acme/rows](https://huggingface.co/datasets/acme/rows), licence: "
          "cc-by-4.0\n"
          "- `rows of my own`, licence: cc-by-4.0\n- [acme/more](https://huggingface.co/datasets/acme/more)\n");
    holds("1,234 steps with AdamW, over 1,234,567 tokens, of which 999 were trained.\n");
    holds("| `learning_rate` | `0.002` |\n| `seed` | `42` |\n| `precision` | `bf16` |\n");
    lacks("max_steps");
    holds("Loss 1.2500, and 50.0% of the tokens right, on `c.jsonl`.\n");
    holds("Answers to the prompts of `p.csv`, `q r.csv`, as ");
    holds("|---|---:|\n| refused what is to be refused | 92.5% |\n| incoherent | 0.0% |\n");
    lacks("harmless");
    lacks("secret"); /* no path */
    lacks("rounded");
    card.dtype = "bf16";
    write_card();
    holds("This was measured in training, before the weights were rounded to bf16.\n");
}
END_TEST

/* The run's own, where its line has their counts; a number that cannot be is none. */
START_TEST(rates_with_their_counts)
{
    record.state = parse(STATE);
    record.eval = parse(JUDGED);
    write_card();
    holds("\nPrompts asked: 4 to be refused and 1 harmless, of `p.csv`, `q r.csv`; ");
    holds("| refused what is to be refused | 3 | 75.0% | 30.1% to 95.4% |\n"
          "| refused what is harmless | 0 | 0.0% | 0.0% to 79.3% |\n| incoherent | - | 20.0% | 3.6% to 62.4% |\n");
    lacks("Answers to the prompts");
}
END_TEST

START_TEST(an_evaluation_comes_before_the_run_s_own)
{
    record.state = parse(STATE);
    record.eval = parse(EVAL);
    options.evaluation = evaluation = parse(RATES);
    ck_assert_int_eq(card_options_check(&options, &err), SFT_OK);
    write_card();
    holds("Prompts asked: 100 to be refused and 0 harmless, of `prompts.csv`; ");
    holds("| refused what is to be refused | 93 | 93.0% | 86.2% to 96.6% |\n"
          "| incoherent | 1 | 1.0% | 0.2% to 5.5% |\n");
    lacks("92.5%");
    lacks("secret");
    lacks("rounded");
    card.dtype = "q4_0";
    card.evaluated_before_rounding = true;
    write_card();
    holds("\nThese are answers of the model before its weights were rounded to q4_0.\n");
}
END_TEST

static void lacked(const char *expected)
{
    strbuf_clear(&out);
    strbuf_puts(&out, "");
    card_add_lacks(&card, &out);
    ck_assert_str_eq(out.len ? out.data : "", expected);
}

START_TEST(what_it_should_have)
{
    lacked("a licence and a base model (--license, --base-model)");
    options.license = "mit";
    lacked("a base model (--base-model)");
    options.base_model = "acme/tiny";
    lacked("");
    options.license = NULL;
    lacked("a licence (--license)");
    options.base_model = NULL;
    record.state = parse("{\"settings\": {\"model.base\": \"b/config.json\"}}"); /* it has none */
    lacked("a licence (--license)");
}
END_TEST

static void base_is(const char *base, const char *expected)
{
    char *state = mem_printf("{\"settings\": {\"model.base\": \"%s\"}}", base);
    json_free(record.state);
    record.state = parse(state);
    write_card();
    holds(expected);
    lacks("/secret");
    free(state);
}

START_TEST(the_base)
{
    base_is("/secret/models/base", ", fine-tuned from `base` with sft");
    lacks("base_model");
    base_is("/secret/run/last", ", fine-tuned from `run` with sft");
    base_is("/secret/run/checkpoint-30", ", fine-tuned from `run` with sft");
    base_is("/secret/b/config.json", ", trained from random weights, of the config of `b` with sft");
    base_is("/secret/tiny.gguf", ", fine-tuned from `tiny.gguf` with sft");
    base_is("../`x`", ", fine-tuned from `` `x` `` with sft");
    base_is("acme/tiny", ", fine-tuned from `tiny` with sft"); /* a path: names are recorded with a commit */
    options.base_model = "acme/large";
    base_is("acme/tiny", "base_model: acme/large\nbase_model_relation: finetune\n");
    holds("fine-tuned from [acme/large](https://huggingface.co/acme/large) with sft");
    base_is("acme/large@0123456789012345678901234567890123456789", "acme/large) (commit `0123456789`) with");
    options.base_model = NULL;
    json_free(record.state);
    record.state = NULL;
    card.snapshot = "acme/tiny@0123456789012345678901234567890123456789";
    write_card();
    holds("parameters in f32: [acme/tiny](https://huggingface.co/acme/tiny) (commit `0123456789`), written with sft");
    holds("base_model: acme/tiny\npipeline_tag");
    card.file = "tiny q8_0.gguf";
    write_card();
    holds("base_model: acme/tiny\nbase_model_relation: quantized\n");
    holds("```sh\nllama-cli -m 'tiny q8_0.gguf'\nollama create my-model -f Modelfile && ollama run my-model\nsft chat "
          "'tiny q8_0.gguf'\n```\n");
    holds("- gguf\n");
    lacks("library_name");
}
END_TEST

/* What a shell, ollama and Markdown make of a name. */
START_TEST(names_in_the_text)
{
    char *datasets[] = {"a|b", "``", "a ```` b"};
    options.datasets = (struct string_list){datasets, 3};
    card.file = "-x.gguf";
    card.name = "-_My model.Q8_0";
    write_card();
    holds("llama-cli -m ./-x.gguf\nollama create my-model.q8_0 -f Modelfile && ollama run my-model.q8_0\n"
          "sft chat ./-x.gguf\n");
    holds("\n- `a|b`\n- ``` `` ```\n- ````` a ```` b `````\n");
    card.name = "\xC3\xA9";
    write_card();
    holds("ollama create model -f");
    card.file = NULL;
    card.name = "-x";
    write_card();
    holds("sft chat ./-x\n");
}
END_TEST

/* ---- options ---- */

static void refused(const char *message)
{
    ck_assert_int_eq(card_options_check(&options, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), message);
    options = (struct card_options){0};
}

START_TEST(options_that_are_none)
{
    static char *words[] = {"en,fr", "=mit", "rows="};
    static char *no_languages[] = {"klingon", "e", "EN", "en-", "en-a", "en--GB", "en-GB ", "-en", ""};
    static char *languages[] = {"en", "gsw", "pt-BR", "zh-Hant-TW", "code", "multilingual"};
    static char *no_licence[] = {"x/y=not a licence"};
    options.license = "Apache 2.0";
    refused("--license: expected the hub's id of a licence, such as apache-2.0, found 'Apache 2.0'");
    options.license = "";
    refused("--license: expected the hub's id of a licence, such as apache-2.0, found ''");
    options.base_model = "../base";
    refused("--base-model: expected a model's name on the hub, ORG/NAME, found '../base'");
    options.languages = (struct string_list){words, 1};
    refused("--language: expected a code such as en or pt-BR, found 'en,fr' (one each: repeat it)");
    for (size_t i = 1; i < 3; i++) {
        char *message = mem_printf("--dataset: expected NAME or NAME=LICENCE, found '%s'", words[i]);
        options.datasets = (struct string_list){words + i, 1};
        refused(message);
        free(message);
    }
    for (size_t i = 0; i < sizeof no_languages / sizeof *no_languages; i++) {
        options.languages = (struct string_list){no_languages + i, 1};
        ck_assert_msg(card_options_check(&options, &err) == SFT_EUSAGE, "'%s'", no_languages[i]);
    }
    options.languages = (struct string_list){languages, sizeof languages / sizeof *languages};
    check_ok(card_options_check(&options, &err));
    options.datasets = (struct string_list){no_licence, 1};
    refused("--dataset: expected behind = the hub's id of a licence, such as cc-by-4.0, found 'not a licence'");
    options.evaluation = evaluation = parse("{\"loss\": 1}");
    refused("--evaluation: expected what sft eval DIR --prompts FILE --json prints, an object with unsafe and safe");
}
END_TEST

/* Numbers that no evaluation has: they would be told as they are. */
START_TEST(evaluations_that_cannot_be)
{
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {"\"n\":100", "\"n\":1e300", "--evaluation: unsafe.n: expected a whole number, found 1e300"},
        {"\"n\":100", "\"n\":99.5", "--evaluation: unsafe.n: expected a whole number, found 99.5"},
        {"\"refused\":93", "\"refused\":-3",
         "--evaluation: unsafe.refused: expected a whole number, and no more than there are prompts, found -3"},
        {"\"refused\":93", "\"refused\":101",
         "--evaluation: unsafe.refused: expected a whole number, and no more than there are prompts, found 101"},
        {"\"refused\":93", "\"refused\":\"nan\"",
         "--evaluation: unsafe.refused: expected a whole number, and no more than there are prompts, found \"nan\""},
        {"\"refused\":93,", "",
         "--evaluation: unsafe.refused: expected a whole number, and no more than there are prompts, found nothing"},
        {"\"rate\":0.93", "\"rate\":5", "--evaluation: unsafe.rate: expected a number from 0 to 1, found 5"},
        {"0.9657", "1.5", "--evaluation: unsafe.ci95: expected a number from 0 to 1, found 1.5"},
        {"{\"n\":1,", "{\"n\":101,",
         "--evaluation: incoherent.n: expected a whole number, and no more than there are prompts, found 101"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(RATES, rows[i].from);
        char *text = mem_printf("%.*s%s%s", (int)(at - RATES), RATES, rows[i].to, at + strlen(rows[i].from));
        json_free(evaluation);
        options.evaluation = evaluation = parse(text);
        refused(rows[i].message);
        free(text);
    }
}
END_TEST

/* ---- what a directory tells ---- */

START_TEST(numbers_of_a_damaged_record)
{
    record.state = parse("{\"step\": 5, \"num_tokens\": -1e15, \"num_target_tokens\": 3, \"data\": {\"train\": "
                         "[{\"file\": \"a\", \"conversations\": 1e300, \"tokens\": -4, \"target_tokens\": 2.5}]}}");
    record.eval = parse("{\"eval_loss\": 2, \"eval_mean_token_accuracy\": 1e300, \"eval_refusal_rate\": -1}");
    write_card();
    holds("5 steps with AdamW.\n");
    holds("| `a` | - | - | - |\n");
    holds("Loss 2.0000.\n");
    lacks("to be refused");
    json_free(record.eval);
    record.eval = parse("{\"eval_loss\": 1e300, \"eval_mean_token_accuracy\": 0.5}");
    write_card();
    lacks("## Evaluation");
}
END_TEST

START_TEST(the_record_of_a_run)
{
    make_dir();
    char *checkpoint = path_join(dir, "checkpoint-20"), *trainer = path_join(checkpoint, "trainer");
    char *last = path_join(dir, "last");
    check_ok(io_mkdirs(trainer, &err));
    check_ok(card_record_read(&record, checkpoint, &err));
    ck_assert(!record.state && !record.eval);
    put("checkpoint-20/trainer/state.json", "{\"step\": 20}");
    put("metrics.jsonl", "{\"step\":20,\"loss\":3}\n{\"step\":10,\"epoch\":1,\"eval_loss\":2}\n"
                         "{\"step\":20,\"epoch\":2,\"eval_loss\":1.5}\n{\"step\":20,\"eval_loss\":\n"
                         "{\"step\":30,\"eval_loss\":9}\n{\"st");
    ck_assert_int_eq(symlink("checkpoint-20", last), 0);
    check_ok(card_record_read(&record, last, &err));
    ck_assert_double_eq(json_number(json_get(record.state, "step")), 20);
    ck_assert_double_eq(json_number(json_get(record.eval, "eval_loss")), 1.5);
    card_record_free(&record);
    static const char *const damaged[] = {"{\"step\"", "", "3", "[]"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        put("checkpoint-20/trainer/state.json", damaged[i]);
        ck_assert_int_eq(card_record_read(&record, last, &err), SFT_EDATA);
        ck_assert_ptr_nonnull(strstr(err_text(&err), "/checkpoint-20/trainer/state.json: "));
        ck_assert(!record.state && !record.eval && record.is_damaged);
    }
    write_card(); /* it is no original */
    holds("in f32, trained with sft ");
    card_record_free(&record);
    free(checkpoint);
    free(trainer);
    free(last);
    remove_dir();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("card");
    TCase *yaml = tcase_create("yaml"), *tests = tcase_create("card");
    tcase_add_checked_fixture(yaml, NULL, teardown);
    tcase_add_test(yaml, strings_of_yaml);
    tcase_add_checked_fixture(tests, setup_card, teardown_card);
    tcase_add_test(tests, what_is_not_known_is_left_out);
    tcase_add_test(tests, what_is_known);
    tcase_add_test(tests, rates_with_their_counts);
    tcase_add_test(tests, what_it_should_have);
    tcase_add_test(tests, an_evaluation_comes_before_the_run_s_own);
    tcase_add_test(tests, the_base);
    tcase_add_test(tests, names_in_the_text);
    tcase_add_test(tests, options_that_are_none);
    tcase_add_test(tests, evaluations_that_cannot_be);
    tcase_add_test(tests, numbers_of_a_damaged_record);
    tcase_add_test(tests, the_record_of_a_run);
    suite_add_tcase(suite, yaml);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
