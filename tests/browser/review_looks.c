#include "review_looks.h"

#include "reviewer.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char words[] =
    "h1, h2, button, .text, .notice p, .faint, label, select, textarea, kbd, .chip, .pill, .notes, .role, "
    "#rows span, .said, dialog p, dialog dd";

void review_looks_at(struct browser *b, const char *shots, int row, const char *name)
{
    static const char *const schemes[] = {"light", "dark"};
    for (int i = 0; i < 2; i++) {
        char *picture = mem_printf("%s-%s", name, schemes[i]);
        browser_scheme(b, schemes[i]);
        reviewer_at(b, row);
        browser_check_contrast(b, words);
        browser_shoot(b, shots, picture);
        browser_press(b, "r");
        browser_wait(b, PICKING);
        browser_check_contrast(b, words);
        browser_key(b, "Escape", 27, false);
        browser_press(b, "?");
        browser_wait(b, "document.getElementById('help').open");
        browser_check_contrast(b, words);
        browser_key(b, "Escape", 27, false);
        browser_wait(b, "document.querySelector('dialog[open]') === null");
        free(picture);
    }
}

#define FITS(id) "document.getElementById('" id "').getBoundingClientRect().right <= 360"

static void test_phone(struct browser *b, const char *shots)
{
    reviewer_window(b, 360, 640, true);
    browser_expect(
        b, "document.documentElement.scrollWidth <= 360 && document.getElementById('main').scrollWidth <= 360", "true");
    browser_expect(b, FITS("accept") " && " FITS("open-help"), "true");
    browser_expect(b, "document.getElementById('undo').getBoundingClientRect().left >= 0", "true");
    browser_run(b, "go(2)");
    reviewer_at(b, 3);
    browser_shoot(b, shots, "phone-dark");
    browser_scheme(b, "light");
    browser_shoot(b, shots, "phone-light");
    browser_run(b, "document.getElementById('open-side').click()");
    browser_expect(b, "getComputedStyle(document.getElementById('side')).display", "flex");
    browser_shoot(b, shots, "phone-rows");
    browser_run(b, "document.querySelector('#rows li:nth-child(6) button').click()");
    reviewer_at(b, 6);
    browser_expect(b, "getComputedStyle(document.getElementById('side')).display", "none");
    browser_run(b, "document.getElementById('edit').click()");
    browser_wait(b, EDITING);
    browser_expect(b, "document.documentElement.scrollWidth <= 360 && " FITS("save"), "true");
    browser_shoot(b, shots, "phone-edit");
    browser_key(b, "Escape", 27, false);
    reviewer_window(b, 1280, 800, false);
}

#define FOCUSED "Number(document.activeElement.dataset.row)"

/* The list is one stop of Tab, at the row that is shown; arrows go on in it, and it may be drawn anew meanwhile. */
static void test_list_keys(struct browser *b)
{
    browser_run(b, "document.getElementById('more-words').focus()");
    browser_key(b, "Tab", 9, false);
    browser_expect(b, FOCUSED " === page.row.row", "true");
    browser_key(b, "ArrowDown", 40, false);
    browser_key(b, "ArrowDown", 40, false);
    browser_key(b, "ArrowUp", 38, false);
    browser_expect(b, FOCUSED " === page.row.row + 1", "true");
    browser_run(b, "showList()");
    browser_expect(b, FOCUSED " === page.row.row + 1", "true");
    browser_key(b, "Enter", 13, false);
    reviewer_at(b, 7);
    browser_expect(b, FOCUSED, "7");
}

/* Every control can be reached by Tab and has a name. */
static void test_access(struct browser *b)
{
    browser_run(b, "window.reached = new Set(); document.addEventListener('focusin', e => reached.add(e.target.id));"
                   "document.getElementById('q').focus()");
    for (int i = 0; i < 40; i++)
        browser_key(b, "Tab", 9, false);
    browser_expect(b,
                   "['q', 'decision', 'undo', 'skip', 'tags', 'reject', 'edit', 'accept', 'open-help'].filter(id => "
                   "!reached.has(id)).join()",
                   "");
    browser_expect(
        b,
        "[...document.querySelectorAll('button, input, select, textarea')].filter(e => !(e.textContent.trim() || "
        "e.getAttribute('aria-label') || e.labels?.length)).length",
        "0");
    browser_run(b, "document.getElementById('main').focus()");
    browser_press(b, "?");
    browser_wait(b, "document.getElementById('help').open");
    browser_run(b, "document.getElementById('single-keys').click()");
    browser_key(b, "Escape", 27, false);
    browser_wait(b, "!document.getElementById('help').open");
    char *before = browser_evaluate(b, "page.row.row + ' ' + " COUNTS);
    browser_press(b, "a");
    browser_press(b, "j");
    browser_expect(b, "page.row.row + ' ' + " COUNTS, before);
    browser_run(b, "document.getElementById('single-keys').click()");
    free(before);
}

void review_looks(struct browser *b, const char *shots)
{
    browser_run(b, "go(2)");
    reviewer_at(b, 3);
    review_looks_at(b, shots, 3, "row");
    test_phone(b, shots);
    test_list_keys(b);
    test_access(b);
}
