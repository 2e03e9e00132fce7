#include "checks.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Before the page's own script. */
static const char watch[] = "window.violations = [];"
                            "document.addEventListener('securitypolicyviolation',"
                            " e => violations.push(e.violatedDirective));";

void browser_open(struct browser *b, const char *url, const char *ready)
{
    struct strbuf source = {0};
    char *loaded = mem_printf("document.readyState === 'complete' && %s", ready);
    strbuf_json_string(&source, watch, strlen(watch));
    browser_do(b, "Page.addScriptToEvaluateOnNewDocument", "{\"source\":%s}", source.data);
    browser_do(b, "Page.navigate", "{\"url\":\"%s\"}", url);
    browser_wait(b, loaded);
    strbuf_free(&source);
    free(loaded);
}

void browser_expect(struct browser *b, const char *expression, const char *wanted)
{
    char *value = browser_evaluate(b, expression);
    if (strcmp(value, wanted) != 0)
        die("%s\n  is       %s\n  expected %s", expression, value, wanted);
    free(value);
}

void browser_shoot(struct browser *b, const char *directory, const char *name)
{
    if (!directory)
        return;
    char *path = mem_printf("%s/%s.png", directory, name);
    browser_shot(b, path);
    free(path);
}

void browser_scheme(struct browser *b, const char *scheme)
{
    browser_do(b, "Emulation.setEmulatedMedia", "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}",
               scheme);
}

static const char contrast[] =
    "(() => { const rgb = c => c.match(/[0-9.]+/g).map(Number);"
    "const light = c => rgb(c).slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)"
    "  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);"
    "const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;"
    "  if (!(rgb(c)[3] === 0)) return c; } return 'rgb(255, 255, 255)'; };"
    "let worst = 99, where = ''; for (const e of document.querySelectorAll('%s')) {"
    "  const a = light(getComputedStyle(e).color), b = light(ground(e));"
    "  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);"
    "  if (!e.closest(':disabled') && e.offsetParent && ratio < worst) { worst = ratio; where = e.outerHTML; } }"
    "return worst + ' ' + where.slice(0, 100); })()";

void browser_check_contrast(struct browser *b, const char *selector)
{
    char *expression = mem_printf(contrast, selector), *least = browser_evaluate(b, expression);
    if (!(strtod(least, NULL) >= 4.5))
        die("the contrast is only %s", least);
    free(expression);
    free(least);
}

void browser_check_policy(struct browser *b)
{
    browser_expect(b, "violations.length", "0");
    browser_run(b, "{ const s = document.createElement('script'); s.textContent = 'window.hacked = 2';"
                   "document.head.append(s); }");
    browser_run(b, "{ const d = document.createElement('div'); d.innerHTML = '<p style=\"color:red\" "
                   "onclick=\"hacked=3\">x</p>'; document.body.append(d); d.firstChild.click(); d.remove(); }");
    browser_run(b, "fetch('http://127.0.0.2:9/').catch(() => 0)");
    browser_wait(b, "violations.length >= 4");
    browser_expect(
        b, "violations.map(v => v.replace(/-(elem|attr)$/, '')).sort().filter((v, i, a) => v !== a[i - 1]).join()",
        "connect-src,script-src,style-src");
    browser_expect(b, "String(window.hacked)", "undefined");
}

void browser_check_requests(const struct browser *b, const char *const *urls)
{
    for (size_t i = 0; i < b->requests.count; i++) {
        const char *asked = b->requests.items[i];
        bool is_ours = strncmp(asked, "data:", 5) == 0;
        for (size_t u = 0; urls[u]; u++)
            is_ours = is_ours || strncmp(asked, urls[u], strlen(urls[u])) == 0;
        if (!is_ours)
            die("the page asked for %s", asked);
    }
}

void browser_check_problems(const struct browser *b, const char *const *expected)
{
    for (size_t i = 0; i < b->problems.count; i++) {
        bool is_expected = false;
        for (size_t e = 0; expected[e]; e++)
            is_expected = is_expected || strstr(b->problems.items[i], expected[e]);
        if (!is_expected)
            die("the browser complains: %s", b->problems.items[i]);
    }
}
