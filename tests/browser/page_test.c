/* The page in a browser: sends, streams, stops, shows HTML as text, tells what went wrong; by keyboard, in light and
 * dark and at a phone's width; asks nobody but its server, and its policy holds.
 *
 * usage: page_test CHROMIUM URL [DIR]     (URL: of a running server; DIR: where pictures of the page go)
 *
 * Where an answer must come in certain pieces the page's fetch is replaced: window.feed(text) is then what the server
 * sends next, window.asked what it was asked. */
#include "cdp.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct browser browser;
static const char *shots;

static void expect(const char *expression, const char *wanted)
{
    char *value = browser_evaluate(&browser, expression);
    if (strcmp(value, wanted) != 0)
        die("%s\n  is       %s\n  expected %s", expression, value, wanted);
    free(value);
}

static void shoot(const char *name)
{
    if (!shots)
        return;
    char *path = mem_printf("%s/%s.png", shots, name);
    browser_shot(&browser, path);
    free(path);
}

#define LAST "[...document.querySelectorAll('.assistant')].pop()"
#define IDLE "document.getElementById('go').getAttribute('aria-label') === 'Send'"

static void enter(const char *text)
{
    browser_run(&browser, "document.getElementById('say').focus()");
    browser_type(&browser, text);
    browser_key(&browser, "Enter", 13, false);
}

/* Before the page's own script: what the policy refuses is noted. */
static const char watch[] = "window.violations = [];"
                            "document.addEventListener('securitypolicyviolation',"
                            " e => violations.push(e.violatedDirective));";

static void open_page(const char *url)
{
    struct strbuf source = {0};
    strbuf_json_string(&source, watch, strlen(watch));
    browser_do(&browser, "Page.addScriptToEvaluateOnNewDocument", "{\"source\":%s}", source.data);
    browser_do(&browser, "Page.navigate", "{\"url\":\"%s\"}", url);
    browser_wait(&browser, "document.readyState === 'complete' && document.getElementById('go') !== null");
    strbuf_free(&source);
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

/* The policy that the server sends is in force: no other script, no style, no other address. */
static void test_policy(void)
{
    expect("violations.length", "0");
    browser_run(&browser, "{ const s = document.createElement('script'); s.textContent = 'window.hacked = 2';"
                          "document.head.append(s); }");
    browser_run(&browser, "{ const d = document.createElement('div'); d.innerHTML = '<p style=\"color:red\" "
                          "onclick=\"hacked=3\">x</p>'; document.body.append(d); d.firstChild.click(); d.remove(); }");
    browser_run(&browser, "fetch('http://127.0.0.2:9/').catch(() => 0)");
    browser_wait(&browser, "violations.length >= 4");
    expect("violations.map(v => v.replace(/-(elem|attr)$/, '')).sort().filter((v, i, a) => v !== a[i - 1]).join()",
           "connect-src,script-src,style-src");
    expect("String(window.hacked)", "undefined");
}

static void check_requests(const char *url)
{
    for (size_t i = 0; i < browser.requests.count; i++) {
        const char *asked = browser.requests.items[i];
        if (strncmp(asked, url, strlen(url)) != 0 && strncmp(asked, "data:", 5) != 0)
            die("the page asked for %s", asked);
    }
    for (size_t i = 0; i < browser.problems.count; i++)
        die("the browser complains: %s", browser.problems.items[i]);
}

/* ---- with answers in certain pieces ---- */

static const char fake[] =
    "window.fetch = async (url, options) => {"
    "  window.asked = { url, headers: options.headers, ...JSON.parse(options.body) };"
    "  if (window.refusal)"
    "    return new Response(JSON.stringify({ error: { message: refusal.message } }), { status: refusal.status });"
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
    enter("Cut");
    browser_wait(&browser, "asked.messages.length === 3");
    browser_run(&browser, "{ const bytes = [...new TextEncoder().encode(': comment\\n\\n' + delta('\\u20ac') + "
                          "delta('\\ud83d\\ude00') + delta('', 'length') + 'data: [DONE]\\n\\n')];"
                          "for (const byte of bytes) feed([byte]); }");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.text').textContent", "\xE2\x82\xAC\xF0\x9F\x98\x80");
    expect(LAST ".querySelector('.below').textContent.includes('cut at the longest length')", "true");
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
}

static void test_errors(void)
{
    browser_run(&browser, "[...document.querySelectorAll('.again')].pop().click()");
    browser_wait(&browser, "asked.messages.length === 7 && !(" IDLE ")");
    browser_run(&browser, "feed(delta('some') + 'data: {\"error\":{\"message\":\"it broke\"}}\\n\\n')");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.problem').textContent + ' ' + " LAST ".querySelector('.problem').role",
           "it broke alert");
    browser_run(&browser, "window.refusal = { status: 401, message: 'a key, please' }");
    enter("And now?");
    browser_wait(&browser, IDLE " && document.activeElement.id === 'key'");
    expect(LAST ".querySelector('.problem').textContent", "a key, please");
    expect("String(asked.headers.Authorization)", "undefined");
    browser_type(&browser, "secret");
    browser_run(&browser, "window.refusal = null; [...document.querySelectorAll('.again')].pop().click()");
    browser_wait(&browser, "asked.headers.Authorization === 'Bearer secret'");
    browser_run(&browser, "feed(delta('yes')); finish()");
    browser_wait(&browser, IDLE);
    expect(LAST ".querySelector('.problem').textContent", "the answer broke off");
    shoot("problem");
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
    browser_key(&browser, "Escape", 27, false);
    browser_wait(&browser, IDLE);
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

/* Contrast as WCAG has it: 4.5 for text. */
static const char contrast[] =
    "(() => { const rgb = c => c.match(/[0-9.]+/g).map(Number);"
    "const light = c => rgb(c).slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)"
    "  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);"
    "const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;"
    "  if (!(rgb(c)[3] === 0)) return c; } return 'rgb(255, 255, 255)'; };"
    "let worst = 99; for (const e of document.querySelectorAll("
    "  'h1, button, .text, .problem, .below, .below span, label, textarea, kbd')) {"
    "  const a = light(getComputedStyle(e).color), b = light(ground(e));"
    "  if (!e.disabled && e.offsetParent) worst = Math.min(worst, (Math.max(a, b) + .05) / (Math.min(a, b) + .05)); }"
    "return worst; })()";

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
        browser_do(&browser, "Emulation.setEmulatedMedia",
                   "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}", schemes[i]);
        grounds[i] = browser_evaluate(&browser, "getComputedStyle(document.body).backgroundColor");
        char *least = browser_evaluate(&browser, contrast);
        if (!(strtod(least, NULL) >= 4.5))
            die("%s: contrast is %s only", schemes[i], least);
        free(least);
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
    browser_do(&browser, "Emulation.setEmulatedMedia",
               "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"light\"}]}");
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
    begin_fake();
    test_html_is_text();
    test_cut_pieces();
    test_stop();
    test_errors();
    test_settings();
    test_keys();
    test_schemes();
    test_phone();
    test_new_chat_while_it_answers();
    check_requests(argv[2]);
    open_page(argv[2]); /* with its own fetch again */
    test_policy();
    browser_end(&browser);
    puts("page_test: all as expected");
    return 0;
}
