/* The page in a browser: sends, streams, stops, shows HTML as text, tells what went wrong; by keyboard, in light and
 * dark and at a phone's width; asks nobody but its server, and its policy holds.
 *
 * usage: page_test CHROMIUM URL [DIR]     (URL: of a running server; DIR: where pictures of the page go)
 *
 * Where an answer must come in certain pieces the page's fetch is replaced: window.feed(text) is then what the server
 * sends next, window.asked what it was asked, window.refusal (or what it makes of that) the error that it answers. */
#include "checks.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct browser browser;
static const char *shots;

static void expect(const char *expression, const char *wanted)
{
    browser_expect(&browser, expression, wanted);
}

static void shoot(const char *name)
{
    browser_shoot(&browser, shots, name);
}

#define LAST    "[...document.querySelectorAll('.assistant')].pop()"
#define PROBLEM "(document.querySelector('#turns > .problem')?.textContent ?? '')"
#define IDLE    "document.getElementById('go').getAttribute('aria-label') === 'Send'"

static void enter(const char *text)
{
    browser_run(&browser, "document.getElementById('say').focus()");
    browser_type(&browser, text);
    browser_key(&browser, "Enter", 13, false);
}

static void open_page(const char *url)
{
    browser_open(&browser, url, "document.getElementById('go') !== null");
}

/* ---- with the server ---- */

static void test_begin(void)
{
    expect("document.title === document.getElementById('model').textContent && document.title.length > 0", "true");
    expect("document.activeElement.id", "say");
    expect("document.getElementById('go').disabled", "true");
    expect("document.getElementById('fresh').hidden", "true");
    shoot("welcome");
}

static void test_talk(void)
{
    static const char html[] = "<b>bold</b> <img src=x onerror=\"window.hacked = 1\"> &amp;";
    enter(html);
    browser_wait(&browser, IDLE " && " LAST "?.querySelector('.below') !== null");
    expect("document.querySelector('.user .text').textContent", html);
    expect("document.querySelectorAll('#turns b, #turns img').length", "0");
    expect(LAST ".querySelector('.problem')?.textContent ?? ''", "");
    expect("/^[0-9]+ tokens?/.test(" LAST ".querySelector('.below span').textContent)", "true");
    expect("document.getElementById('say').value", "");
    expect("document.activeElement.id", "say");
}

/* Too long for the model that is served: told so, and the next message has its answer. */
static void test_rejected(void)
{
    browser_run(&browser, "document.getElementById('say').value = 'word '.repeat(3000)");
    browser_run(&browser, "document.getElementById('go').disabled = false; document.getElementById('go').click()");
    browser_wait(&browser, PROBLEM " === 'Too long for this model: shorten the message'");
    expect("document.getElementById('say').value.length + ' ' + document.querySelectorAll('article').length",
           "15000 2");
    browser_run(&browser, "document.getElementById('say').value = ''");
    enter("Hello");
    browser_wait(&browser, IDLE " && document.querySelectorAll('.below').length === 2");
    expect(PROBLEM " + (" LAST ".querySelector('.problem')?.textContent ?? '')", "");
}

/* The model sees 128 tokens: the conversation goes on where it holds more. */
static void test_long_talk(void)
{
    for (int turn = 3; turn < 30; turn++) {
        enter("Name a tree, and then say why you like it best.");
        char *answered = mem_printf(IDLE " && document.querySelectorAll('.below').length === %d", turn);
        browser_wait(&browser, answered);
        free(answered);
    }
    expect("document.getElementById('say').value + " PROBLEM, "");
    expect("document.querySelectorAll('.problem').length", "0");
    expect("document.getElementById('turns').textContent.split('the oldest turns are forgotten').length", "2");
}

static void check_requests(const char *url)
{
    const char *const urls[] = {url, NULL};
    browser_check_requests(&browser, urls);
    static const char *const expected[] = {"status of 400", NULL}; /* test_rejected's */
    browser_check_problems(&browser, expected);
}

/* ---- with answers in certain pieces ---- */

static const char fake[] =
    "window.fetch = async (url, options) => {"
    "  window.asked = { url, headers: options.headers, ...JSON.parse(options.body) };"
    "  const refused = typeof window.refusal === 'function' ? refusal(asked) : window.refusal;"
    "  if (refused) return new Response(JSON.stringify({ error: refused }), { status: refused.status });"
    "  const body = new ReadableStream({ start(c) {"
    "    window.feed = bytes =>"
    "      c.enqueue(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : new Uint8Array(bytes));"
    "    window.finish = () => c.close();"
    "    options.signal.addEventListener('abort', () => c.error(new DOMException('', 'AbortError')));"
    "  } });"
    "  return new Response(body);"
    "};"
    "window.delta = (text, reason = null) => 'data: ' + JSON.stringify({"
    "  choices: [{ index: 0, delta: { content: text }, finish_reason: reason }] }) + '\\n\\n';"
    "window.usage = n => 'data: ' + JSON.stringify({ choices: [], usage: { completion_tokens: n } }) + '\\n\\n';"
    "undefined";

static void begin_fake(void)
{
    browser_run(&browser, fake);
    browser_run(&browser, "document.getElementById('fresh').click()");
    expect("document.querySelectorAll('article').length", "0");
}

static void test_html_is_text(void)
{
    enter("Write HTML");
    browser_wait(&browser, "'feed' in window");
    expect("JSON.stringify(asked.messages)", "[{\"role\":\"user\",\"content\":\"Write HTML\"}]");
    expect("asked.stream && asked.url === 'v1/chat/completions' && !('temperature' in asked)", "true");
    browser_run(&browser, "feed(delta('<script>window.hacked = 4</' + "
                          "'script><img src=x onerror=\"hacked = 5\">\\n  <b>x</b>'))");
    browser_wait(&browser, LAST ".querySelector('.text').textContent.endsWith('</b>')");
    shoot("streaming");
    browser_run(&browser, "feed(delta('.', 'stop') + usage(9) + 'data: [DONE]\\n\\n'); finish()");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.text').textContent",
           "<script>window.hacked = 4</script><img src=x onerror=\"hacked = 5\">\n  <b>x</b>.");
    expect("document.querySelectorAll('#turns script, #turns img, #turns b').length + String(window.hacked)",
           "0undefined");
    expect("getComputedStyle(" LAST ".querySelector('.text')).whiteSpace", "pre-wrap");
}

/* Events and characters may be cut anywhere on their way. */
static void test_cut_pieces(void)
{
    browser_run(&browser, "document.getElementById('longest').value = 2");
    enter("Cut");
    browser_wait(&browser, "asked.messages.length === 3");
    browser_run(&browser, "{ const bytes = [...new TextEncoder().encode(': comment\\n\\n' + delta('\\u20ac') + "
                          "delta('\\ud83d\\ude00') + delta('', 'length') + usage(2) + 'data: [DONE]\\n\\n')];"
                          "for (const byte of bytes) feed([byte]); }");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.text').textContent", "\xE2\x82\xAC\xF0\x9F\x98\x80");
    expect(LAST ".querySelector('.below').textContent.includes('cut at the longest length')", "true");
    browser_run(&browser, "document.getElementById('longest').value = ''");
}

static void test_stop(void)
{
    enter("Stop me");
    browser_wait(&browser, "asked.messages.length === 5");
    browser_run(&browser, "feed(delta('half an ans'))");
    browser_wait(&browser, LAST ".querySelector('.text').textContent === 'half an ans'");
    expect("document.getElementById('go').getAttribute('aria-label')", "Stop");
    expect("document.getElementById('turns').getAttribute('aria-busy')", "true");
    browser_key(&browser, "Escape", 27, false);
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.text').textContent", "half an ans");
    expect(LAST ".querySelector('.below').textContent.endsWith('stopped')", "true");
    enter("Go on");
    browser_wait(&browser, "asked.messages.length === 7");
    expect("asked.messages[5].role + ': ' + asked.messages[5].content", "assistant: half an ans");
    browser_run(&browser, "document.getElementById('go').click()"); /* the button stops too */
    browser_wait(&browser, IDLE);
    expect("document.getElementById('say').value", "Go on"); /* that had no answer: to be sent again, or not */
    expect("document.querySelectorAll('.user').length + ' ' + document.querySelectorAll('.assistant').length", "3 3");
}

static void test_errors(void)
{
    browser_key(&browser, "Enter", 13, false);
    browser_wait(&browser, "asked.messages.length === 7 && asked.messages[6].content === 'Go on' && !(" IDLE ")");
    browser_run(&browser, "feed(delta('some') + 'data: {\"error\":{\"message\":\"it broke\"}}\\n\\n')");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.problem').textContent + ' ' + " LAST ".querySelector('.problem').role",
           "it broke alert");
}

/* A key is asked for, and Enter behind it sends what was to be sent. */
static void test_key(void)
{
    browser_run(&browser, "window.refusal = { status: 401, message: 'the right key is missing' }");
    enter("And now?");
    browser_wait(&browser, PROBLEM " === 'This server asks for a key' && document.activeElement.id === 'key'");
    expect("String(asked.headers.Authorization)", "undefined");
    expect("document.getElementById('say').value", "And now?");
    browser_type(&browser, "secre");
    browser_key(&browser, "Enter", 13, false);
    browser_wait(&browser, PROBLEM " === 'That key is not right' && document.activeElement.id === 'key'");
    expect("asked.headers.Authorization", "Bearer secre");
    browser_run(&browser, "window.refusal = null");
    browser_type(&browser, "t");
    browser_key(&browser, "Enter", 13, false);
    browser_wait(&browser, "asked.headers.Authorization === 'Bearer secret' && !(" IDLE ")");
    expect("document.getElementById('settings').hidden + " PROBLEM, "true");
    expect("asked.messages.length + asked.messages[8].content", "9And now?");
    browser_run(&browser, "feed(delta('yes')); finish()");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.problem').textContent", "the answer broke off");
    shoot("problem");
}

static void answer_fully(const char *text, const char *reason)
{
    browser_wait(&browser, "!(" IDLE ")");
    char *feeding = mem_printf("feed(delta('%s', '%s') + 'data: [DONE]\\n\\n'); finish()", text, reason);
    browser_run(&browser, feeding);
    browser_wait(&browser, IDLE);
    free(feeding);
}

#define SAID     "asked.messages.map(m => m.content).join(' | ')"
#define TOO_LONG "{ status: 400, code: 'context_length_exceeded', message: '529 tokens, of 512 positions' }"

/* A conversation that the model does not hold goes on without its oldest turns. */
static void test_forgetting(void)
{
    browser_run(&browser, "document.getElementById('fresh').click()");
    enter("one");
    answer_fully("first", "stop");
    enter("two");
    answer_fully("second", "stop");
    browser_run(&browser, "window.refusal = asked => asked.messages.length > 3 ? " TOO_LONG " : null");
    enter("three");
    browser_wait(&browser, "asked.messages.length === 3 && asked.messages[2].content === 'three'");
    answer_fully("third", "stop");
    expect(SAID, "two | second | three");
    expect(LAST ".textContent.includes('the oldest turns are forgotten')", "true");
    enter("four");
    browser_wait(&browser, "asked.messages.length === 3 && asked.messages[2].content === 'four'");
    answer_fully("fourth", "length");
    expect(SAID, "three | third | four");
    expect(LAST ".textContent.includes('forgotten')", "false"); /* said once */
    expect(LAST ".textContent.includes('cut: the model holds no more')", "true");
    browser_run(&browser, "window.refusal = null");
    enter("five"); /* without one turn more, for the last answer had no room */
    browser_wait(&browser, "asked.messages[2]?.content === 'five'");
    answer_fully("fifth", "stop");
    expect(SAID, "four | fourth | five");
    expect("document.querySelectorAll('article').length", "10");
}

/* A message that is too long by itself is put back; nothing of it is left in the conversation. */
static void test_too_long(void)
{
    browser_run(&browser, "window.refusal = " TOO_LONG);
    enter("word word word");
    browser_wait(&browser, PROBLEM " === 'Too long for this model: shorten the message'");
    expect("document.getElementById('say').value", "word word word");
    expect("document.querySelectorAll('article').length + document.activeElement.id", "10say");
    shoot("too-long");
    browser_run(&browser, "window.refusal = null; document.getElementById('say').value = ''");
    enter("Hello");
    answer_fully("hi", "stop");
    expect(SAID, "four | fourth | five | fifth | Hello");
    expect(PROBLEM, "");
}

static void test_wrong_numbers(void)
{
    browser_run(&browser, "document.getElementById('temperature').value = 3");
    enter("Hot");
    browser_wait(&browser, PROBLEM " === 'Temperature: a number from 0 to 2, or nothing'");
    browser_run(&browser, "document.getElementById('temperature').value = 0.75;"
                          "document.getElementById('longest').value = 0");
    browser_run(&browser, "document.getElementById('go').click()");
    browser_wait(&browser, PROBLEM " === 'Longest answer, in tokens: a whole number from 1 on, or nothing'");
    expect("document.getElementById('say').value + asked.messages.at(-1).content", "HotHello");
    browser_run(&browser, "document.getElementById('longest').value = ''; document.getElementById('go').click()");
    browser_wait(&browser, "asked.temperature === 0.75");
    answer_fully("warm", "stop");
}

static void test_settings(void)
{
    browser_run(&browser, "for (const [id, v] of [['system', 'Be brief.'], ['temperature', '0.5'], ['longest', '7']])"
                          "  document.getElementById(id).value = v;"
                          "document.getElementById('fresh').click()");
    shoot("settings");
    enter("Hi");
    browser_wait(&browser, "asked.max_tokens === 7");
    expect("asked.temperature + ' ' + JSON.stringify(asked.messages)",
           "0.5 [{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"}]");
    answer_fully("Hello.", "stop");
    browser_run(&browser, "document.getElementById('more').click()");
    expect("document.getElementById('settings').hidden", "true");
}

/* ---- keys, colours, widths ---- */

static void test_keys(void)
{
    browser_run(&browser, "document.getElementById('say').focus()");
    browser_type(&browser, "one");
    const int before = browser.last_id;
    browser_key(&browser, "Enter", 13, true);
    browser_type(&browser, "two");
    expect("document.getElementById('say').value", "one\ntwo");
    expect("document.getElementById('say').clientHeight > 40", "true");
    browser_run(&browser, "document.getElementById('say').value = ''; document.getElementById('say').blur();"
                          "document.getElementById('say').dispatchEvent(new Event('input'))");
    if (before == browser.last_id)
        die("no key was pressed");
    browser_run(&browser, "window.reached = []; document.addEventListener('focusin', e => reached.push(e.target.id))");
    for (int i = 0; i < 8; i++)
        browser_key(&browser, "Tab", 9, false);
    expect("['more', 'fresh', 'say'].every(id => reached.includes(id))", "true");
    browser_run(&browser, "document.getElementById('more').focus()");
    browser_key(&browser, "Enter", 13, false);
    expect("document.getElementById('settings').hidden", "false");
    browser_key(&browser, "Enter", 13, false);
}

static void test_schemes(void)
{
    static const char *const schemes[] = {"light", "dark"};
    char *grounds[2];
    enter("How does it look?");
    browser_wait(&browser, "!(" IDLE ")");
    browser_run(&browser, "feed(delta('It is a page with one column, and nothing in it but the words.\\n\\nThe second "
                          "paragraph of an answer stands here, so that a picture shows how lines break and how far "
                          "apart they are.', "
                          "'stop') + usage(41) + 'data: [DONE]\\n\\n')");
    browser_wait(&browser, IDLE);
    for (int i = 0; i < 2; i++) {
        browser_scheme(&browser, schemes[i]);
        grounds[i] = browser_evaluate(&browser, "getComputedStyle(document.body).backgroundColor");
        browser_check_contrast(&browser, "h1, button, .text, .problem, .below, .below span, label, textarea, kbd");
        shoot(schemes[i]);
    }
    if (strcmp(grounds[0], grounds[1]) == 0)
        die("light and dark have the same ground, %s", grounds[0]);
    free(grounds[0]);
    free(grounds[1]);
}

static void test_phone(void)
{
    browser_do(&browser, "Emulation.setDeviceMetricsOverride",
               "{\"width\":360,\"height\":640,\"deviceScaleFactor\":2,\"mobile\":true}");
    browser_run(&browser, "document.getElementById('more').click()");
    expect("document.documentElement.scrollWidth <= 360 && document.getElementById('turns').scrollWidth <= 360",
           "true");
    shoot("phone-dark-settings");
    browser_run(&browser, "document.getElementById('more').click()");
    expect("document.getElementById('go').getBoundingClientRect().right <= 360", "true");
    shoot("phone-dark");
    browser_scheme(&browser, "light");
    shoot("phone-light");
}

static void test_new_chat_while_it_answers(void)
{
    browser_run(&browser, "document.getElementById('fresh').click()");
    enter("Old question");
    browser_wait(&browser, "asked.messages.some(m => m.content === 'Old question')");
    browser_run(&browser, "feed(delta('old answer'))");
    browser_wait(&browser, LAST ".querySelector('.text').textContent === 'old answer'");
    browser_run(&browser, "document.getElementById('fresh').click()");
    expect(IDLE, "true");
    enter("New question");
    browser_wait(&browser, "asked.messages.some(m => m.content === 'New question')");
    expect("asked.messages.filter(m => m.role !== 'system').length === 1", "true");
    browser_key(&browser, "Escape", 27, false);
    browser_wait(&browser, IDLE);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: page_test CHROMIUM URL [DIR]");
    shots = argc > 3 ? argv[3] : NULL;
    browser_start(&browser, argv[1]);
    open_page(argv[2]);
    test_begin();
    test_talk();
    test_rejected();
    test_long_talk();
    begin_fake();
    test_html_is_text();
    test_cut_pieces();
    test_stop();
    test_errors();
    test_key();
    test_forgetting();
    test_too_long();
    test_wrong_numbers();
    test_settings();
    test_keys();
    test_schemes();
    test_phone();
    test_new_chat_while_it_answers();
    check_requests(argv[2]);
    open_page(argv[2]); /* with its own fetch again */
    browser_check_policy(&browser);
    browser_end(&browser);
    puts("page_test: all as expected");
    return 0;
}
