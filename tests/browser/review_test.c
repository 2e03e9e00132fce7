/* The page of `sft review` in a browser: accept, edit, reject, tag, skip, undo by keyboard; filters; HTML stays text;
 * two tabs; a server that is killed and started again; 500 rows; how it looks; its policy.
 *
 * usage: review_test CHROMIUM URL --review N        reviews N rows of a page that runs
 *        review_test CHROMIUM DIR|- SFT review FILE ARGUMENT...
 *                                                   the tests, of the files that test_review_page.sh makes; pictures of
 *                                                   the page go to DIR */
#include "review_looks.h"
#include "review_lost.h"
#include "reviewer.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct browser browser;
static struct site server;
static const char *shots;
static char *const *command;

static void expect(const char *expression, const char *wanted)
{
    browser_expect(&browser, expression, wanted);
}

static void wait_for(const char *expression)
{
    browser_wait(&browser, expression);
}

static void press(const char *key, int row)
{
    reviewer_press(&browser, key, row);
}

static void shoot(const char *name)
{
    browser_shoot(&browser, shots, name);
}

/* ---- one row after the other ---- */

static void test_begin(void)
{
    reviewer_at(&browser, 1);
    expect(TEXT("file"), "rows.jsonl");
    expect(TEXT("who"), "reviewed by anna");
    expect(TEXT("done"), "0 of 500 decided");
    expect(TEXT("total"), "500 rows");
    expect("document.querySelector('#rows [aria-current]').textContent.startsWith('1')", "true");
    expect("document.getElementById('undo').disabled", "true");
    expect("[...document.querySelectorAll('#talk .trained')].map(e => e.textContent).join('|')",
           "Take the battery out, and put it back after a minute.");
    expect("document.querySelector('#talk details').open", "true"); /* the system prompt, when it is new */
    expect(TEXT("export"), "sft review rows.jsonl --export rows-kept.jsonl");
    expect("[shellWord('a b.jsonl'), shellWord(`it's`)].join(' ')", "'a b.jsonl' 'it'\\''s'");
    shoot("begin");
}

static void test_accept(void)
{
    press("a", 2);
    reviewer_said(&browser, "Row 1 accepted");
    expect(TEXT("done"), "1 of 500 decided");
    press("k", 1);
    expect(PILL, "\xE2\x9C\x93 accepted");
    press("j", 2);
    browser_press(&browser, "1"); /* no preference row: nothing to choose */
    expect(COUNTS, "1,0,0,0");
}

static void test_html_is_text(void)
{
    expect(TURN "[0].textContent", "<b>bold</b> <img src=x onerror=\"window.hacked = 1\"> &amp;");
    expect(TURN "[1].textContent",
           "</script><script>window.hacked = 2</script> U+202Eturned U+E0041\n<style>* { display: none }</style>");
    expect("document.querySelectorAll('main b:not(.notes b), main img, main script, main style').length", "0");
    expect("document.querySelectorAll('#rows b, #rows img').length + String(window.hacked)", "0undefined");
    expect("getComputedStyle(" TURN "[1]).whiteSpace", "pre-wrap");
    shoot("html");
}

/* In place; what is typed is no key; what was left is kept. */
static void test_edit(void)
{
    browser_press(&browser, "e");
    wait_for(EDITING);
    expect("page.fields.length + document.activeElement.getAttribute('aria-label')", "2assistant: messages[1]");
    browser_type(&browser, " ");
    for (const char *c = "arsu"; *c; c++)
        browser_press(&browser, (char[]){*c, '\0'});
    expect("document.activeElement.value.endsWith(' arsu')", "true");
    shoot("edit");
    browser_key(&browser, "Escape", 27, false);
    reviewer_at(&browser, 2);
    reviewer_said(&browser, "The draft is kept");
    expect("document.getElementById('about').textContent.includes('unsaved draft')", "true");
    press("j", 3);
    press("k", 2);
    browser_press(&browser, "e");
    wait_for(EDITING);
    expect("document.activeElement.value.endsWith(' arsu') + ' ' + page.fields[0].value.includes('<b>')", "true true");
    browser_save_key(&browser);
    reviewer_at(&browser, 3);
    expect(COUNTS, "1,1,0,0");
    press("k", 2);
    expect(PILL, "\xE2\x9C\x8E edited");
    expect(TURN "[1].textContent.endsWith(' arsu')", "true");
    expect("document.querySelectorAll('#talk script, #talk style').length", "0");
    browser_press(&browser, "o");
    expect(TURN "[1].textContent.endsWith('</style>')", "true");
    browser_press(&browser, "o");
    expect(TURN "[1].textContent.endsWith(' arsu')", "true");
    browser_press(&browser, "e"); /* nothing changed: no decision */
    wait_for(EDITING);
    browser_save_key(&browser);
    reviewer_said(&browser, "Nothing was changed");
    expect("page.row.seq", "1");
    press("j", 3);
}

/* A digit for a common reason; own words, in which digits are digits. */
static void test_reject(void)
{
    expect("document.getElementById('about').textContent.includes('ben rejected: made up')", "true");
    expect("(chip => chip.textContent + ' ' + chip.title.endsWith('full_refusal (docs/judging.md)'))("
           "[...document.querySelectorAll('#about .chip')].find(e => e.textContent.startsWith('judge')))",
           "judge: refuses true");
    expect("[...document.getElementById('label').options].map(o => `${o.value} ${o.textContent}`).join()",
           " any,compliance answers,full_refusal refuses");
    browser_press(&browser, "r");
    wait_for(PICKING);
    shoot("reject");
    browser_key(&browser, "Escape", 27, false);
    reviewer_at(&browser, 3);
    expect(COUNTS, "1,1,0,0");
    browser_press(&browser, "r");
    wait_for(PICKING);
    expect("document.getElementById('picker-wrong').hidden", "true");
    browser_key(&browser, "Enter", 13, false); /* no reason: said, and nothing is decided */
    expect("document.getElementById('picker-wrong').hidden + ' ' + " PICKING, "false true");
    shoot("no-reason");
    press("3", 4);
    expect(COUNTS, "1,1,1,0");
    press("k", 3);
    expect(PILL " + ' ' + document.querySelector('#about .notes').textContent.split(' \xC2\xB7 ')[0]",
           "\xE2\x9C\x97 rejected refuses what is fine");
    browser_press(&browser, "r");
    wait_for(PICKING);
    for (const char *c = "a 2nd <b>"; *c; c++)
        browser_press(&browser, (char[]){*c, '\0'});
    expect("document.getElementById('picked').value", "a 2nd <b>");
    browser_key(&browser, "Enter", 13, false);
    reviewer_at(&browser, 4);
    expect(COUNTS, "1,1,1,0");
    browser_press(&browser, "r"); /* own words have a digit from now on */
    wait_for(PICKING);
    expect("[...document.querySelectorAll('#choices li')].at(-1).textContent", "8a 2nd <b>");
    browser_key(&browser, "Escape", 27, false);
    reviewer_at(&browser, 4);
}

/* Another row is edited at its answer's end. */
static void test_edit_again(void)
{
    browser_press(&browser, "e");
    wait_for(EDITING);
    browser_type(&browser, " It lasts a year.");
    browser_save_key(&browser);
    reviewer_at(&browser, 5);
    expect(COUNTS, "1,2,1,0");
}

static void test_unreadable(void)
{
    expect(NOTICE ".startsWith('This row cannot be read: ')", "true");
    browser_press(&browser, "a");
    reviewer_said(&browser, "This row cannot be read: reject it");
    browser_run(&browser, "say('')");
    browser_press(&browser, "e");
    reviewer_said(&browser, "This row cannot be read: reject it");
    expect(COUNTS, "1,2,1,0");
    expect("document.getElementById('accept').disabled && document.getElementById('edit').disabled", "true");
    press("s", 6);
    expect(COUNTS, "1,2,1,1");
}

static void test_tags(void)
{
    browser_press(&browser, "t");
    wait_for(PICKING);
    browser_press(&browser, "s");
    browser_type(&browser, "hort, good");
    browser_key(&browser, "Enter", 13, false);
    wait_for("!(" PICKING ") && page.row?.decision?.tags?.length === 2 && !page.isBusy");
    expect("[...document.querySelectorAll('#about .tag')].map(e => e.textContent).join()", "short,good");
    press("a", 7); /* the tags stay */
    press("k", 6);
    expect("page.row.decision.decision + ' ' + page.row.decision.tags.join()", "accept short,good");
    browser_press(&browser, "t");
    wait_for(PICKING);
    browser_press(&browser, "1"); /* off again */
    browser_key(&browser, "Enter", 13, false);
    wait_for("!(" PICKING ") && page.row?.decision?.tags?.length === 1 && !page.isBusy");
    expect("page.row.decision.decision + ' ' + page.row.decision.tags.join()", "accept good");
    press("j", 7);
}

/* What the server or the page refuses is said, where it is; nothing of it is lost but by Discard. */
static void test_refused_edit(void)
{
    browser_press(&browser, "e");
    wait_for(EDITING);
    browser_run(&browser, "document.activeElement.select()");
    browser_key(&browser, "Delete", 46, false);
    browser_save_key(&browser);
    expect(NOTICE, "the assistant's answer is empty: write something, or reject the row");
    expect("document.activeElement === page.fields[1]", "true");
    browser_type(&browser, "Something.");
    browser_run(&browser, "window.trueFetch = window.fetch; window.fetch = async () => new Response("
                          "JSON.stringify({ error: 'messages[0].content: too odd' }), { status: 400 })");
    browser_save_key(&browser);
    wait_for(NOTICE " === 'messages[0].content: too odd' && !page.isBusy");
    expect("page.fields.indexOf(document.activeElement) + page.fields[1].value", "0Something.");
    browser_run(&browser, "window.fetch = window.trueFetch");
    browser_key(&browser, "Escape", 27, false);
    reviewer_at(&browser, 7);
    browser_press(&browser, "e");
    wait_for(EDITING " && page.fields[1].value === 'Something.'");
    browser_run(&browser, "document.getElementById('drop').click()");
    reviewer_at(&browser, 7);
    expect(TURN "[1].textContent.startsWith('Answer 7') + ' ' + page.row.seq", "true 0");
}

static void test_undo(void)
{
    press("s", 8);
    browser_press(&browser, "r");
    wait_for(PICKING);
    press("1", 9);
    expect(COUNTS, "2,2,2,2");
    press("u", 8);
    reviewer_said(&browser, "The decision on row 8 is taken back");
    expect(COUNTS " + " PILL, "2,2,1,2");
    press("u", 7);
    expect(COUNTS, "2,2,1,1");
    expect("document.querySelector('#rows [aria-current]').textContent.startsWith('7')", "true");
}

/* ---- filters ---- */

static void choose(const char *id, const char *value)
{
    char *change = mem_printf("{ const e = document.getElementById('%s'); e.value = '%s';"
                              "  e.dispatchEvent(new Event('change')); }",
                              id, value);
    browser_run(&browser, change);
    free(change);
}

#define NUMBERS "page.rows.map(e => e.row).join()"

static void test_filters(void)
{
    choose("decision", "reject");
    wait_for(NUMBERS " === '3'");
    reviewer_at(&browser, 3);
    choose("decision", "edit");
    wait_for(NUMBERS " === '2,4'");
    reviewer_at(&browser, 2);
    choose("decision", "");
    choose("tag", "good");
    wait_for(NUMBERS " === '6'");
    choose("tag", "");
    choose("kind", "refusal");
    wait_for("page.rows.length > 100 || page.rows.length === 100 && page.rows.every(e => e.kind === 'refusal')");
    choose("kind", "");
    choose("order", "loss");
    wait_for("page.rows[0].row === 500 && page.rows[0].loss === 9.5");
    choose("order", "row");
    wait_for("page.rows[0].row === 1");
    browser_run(&browser,
                "document.getElementById('disagree').click()"); /* ben rejected 3 as anna did; 1 he rejected */
    wait_for(NUMBERS " === '1'");
    browser_run(&browser, "document.getElementById('no-filters').click()");
    wait_for("page.rows.length === 100");
}

/* What was decided stays in the list of the undecided, and does not count; nor does a row that came by its number. */
static void test_total(void)
{
    expect(TEXT("total"), "495 rows"); /* 1, 6 accepted, 2, 4 edited, 3 rejected; 5 skipped, 7 and 8 taken back */
    browser_run(&browser, "show(3)");
    reviewer_at(&browser, 3);
    expect(TEXT("total"), "495 rows");
    press("j", 5);
}

/* Keys that are typed into the search do nothing else. */
static void test_search(void)
{
    char *before = browser_evaluate(&browser, COUNTS);
    browser_press(&browser, "/");
    wait_for("document.activeElement.id === 'q'");
    browser_type(&browser, "Question ");
    for (const char *c = "250"; *c; c++)
        browser_press(&browser, (char[]){*c, '\0'});
    wait_for(NUMBERS " === '250'");
    reviewer_at(&browser, 250);
    shoot("search");
    browser_key(&browser, "Escape", 27, false);
    expect("document.activeElement.id", "main");
    expect(COUNTS, before);
    browser_press(&browser, "/");
    browser_run(&browser, "document.getElementById('q').select()");
    browser_type(&browser, "nowhere to be found");
    wait_for("page.rows.length === 0 && !document.getElementById('empty').hidden");
    expect("page.row === null && document.getElementById('accept').disabled", "true");
    expect("document.querySelector('#empty strong').textContent", "Nothing matches 'nowhere to be found'");
    shoot("no-match");
    choose("decision", "reject");
    wait_for(TEXT("empty") ".includes('among rejected')");
    expect("[...document.querySelectorAll('#empty button')].map(e => e.textContent).join('|')",
           "Look in all rows|Clear search and filters");
    browser_run(&browser, "document.querySelector('#empty button:last-child').click()");
    wait_for("page.rows.length === 100 && page.row !== null");
    expect("document.getElementById('q').value + document.getElementById('decision').value", "undecided");
    test_total();
    free(before);
}

/* A reload comes back to the same row of the same list, and all that was decided is there. */
static void test_reload(void)
{
    press("j", 7);
    press("j", 8);
    reviewer_open(&browser, server.url);
    expect(COUNTS, "2,2,1,1");
    expect("page.rows[0].row", "5"); /* skipped: undecided */
    browser_run(&browser, "go(page.rows.findIndex(entry => entry.row === 9))");
    reviewer_at(&browser, 9);
    browser_run(&browser, "window.isOld = true; location.reload()");
    wait_for("!window.isOld && typeof page === 'object' && page.row !== null && page.row.row === 9");
    expect(COUNTS, "2,2,1,1");
}

/* ---- two tabs, and no server ---- */

/* The page believes this of its row until it asks again: hidden, it does not begin to, and an answer that is on its
 * way is of no use to it, for the row has been replaced. */
static void believe(const char *members)
{
    char *tell = mem_printf("Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
                            "page.row = { ...page.row, %s }",
                            members);
    browser_run(&browser, tell);
    free(tell);
}

static void test_two_tabs(void)
{
    char *first = browser_tab(&browser);
    reviewer_open(&browser, server.url);
    browser_run(&browser, "go(page.rows.findIndex(entry => entry.row === 9))");
    reviewer_at(&browser, 9);
    press("a", 10);
    press("a", 11);
    char *second = browser_turn(&browser, first);
    wait_for("page.row.seq === 1 && " PILL " === '\xE2\x9C\x93 accepted'"); /* a tab that comes to the front looks */
    believe("seq: 0, decision: null");
    browser_press(&browser, "r");
    wait_for(PICKING);
    browser_press(&browser, "2");
    wait_for(NOTICE ".startsWith('Another tab has accepted this row meanwhile. Yours, rejected, is not saved.')");
    shoot("two-tabs");
    expect("document.activeElement.textContent", "Leave theirs");
    browser_run(&browser, "document.querySelector('.notice button:last-child').click()");
    reviewer_at(&browser, 10);
    press("k", 9);
    expect("page.row.seq + page.row.decision.reason", "2unsafe");
    press("j", 10);
    believe("seq: 0, decision: null");
    browser_press(&browser, "e");
    wait_for(EDITING);
    browser_type(&browser, " mine");
    browser_save_key(&browser);
    wait_for(NOTICE ".startsWith('Another tab has accepted this row meanwhile. Yours, edited, is not saved.')");
    expect("page.fields !== null && page.fields.at(-1).value.endsWith(' mine')", "true");
    browser_key(&browser, "Enter", 13, false); /* leave theirs */
    reviewer_at(&browser, 11);
    press("k", 10);
    expect("page.row.seq + page.row.decision.decision", "1accept");
    press("j", 11);
    free(second);
}

/* ---- 500 rows ---- */

/* All of them can be scrolled to, and a decision costs a handful of requests however long the list is. */
static void test_long_list(void)
{
    wait_for("(() => { const list = document.getElementById('rows'); list.scrollTop = list.scrollHeight;"
             "  return page.isWhole; })()");
    expect("page.rows.at(-1).row", "500");
    expect("new Set(page.rows.map(e => e.row)).size === page.rows.length", "true");
    browser_run(&browser, "go(page.rows.findIndex(entry => entry.row === 400))");
    reviewer_at(&browser, 400);
    const size_t before = browser.requests.count;
    for (int row = 401; row <= 430; row++)
        press("a", row);
    const size_t asked = browser.requests.count - before;
    expect("(({ rows, counts: { accept, edit, reject } }) => document.getElementById('total').textContent.startsWith("
           "`${rows - accept - edit - reject} rows left, `))(page.state)",
           "true");
    if (asked > 30 * 5 + 20)
        die("30 decisions made %zu requests", asked);
    reviewer_review(&browser, 71);
    wait_for("page.row !== null && page.row.row < 400");
    expect("page.rows.filter(e => e.row >= 400).every(e => e.decision)", "true");
}

/* ---- two answers ---- */

#define ANSWERS "[...document.querySelectorAll('.answer')].map(e => e.querySelector('.text').textContent).join(' | ')"

/* Row 2 is another one than was shown: to be decided again. A row more comes to the list without a reload. */
static void test_file_changes(void)
{
    static const char more[] =
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"And now?\"}], \"chosen\": [{\"role\": \"assistant\", "
        "\"content\": \"Now it goes.\"}], \"rejected\": [{\"role\": \"assistant\", \"content\": \"No.\"}]}\n";
    believe("hash: '0123456789abcdef'");
    browser_press(&browser, "1");
    wait_for(NOTICE ".startsWith('The file has changed meanwhile')");
    expect(COUNTS, "0,1,0,0");
    FILE *file = fopen("pairs.jsonl", "a");
    if (!file || fputs(more, file) < 0 || fclose(file))
        die("pairs.jsonl cannot be written");
    browser_run(&browser, "delete document.hidden; refresh()");
    wait_for("page.state.rows === 3");
    press("1", 3);
    expect(ANSWERS, "Now it goes. | No.");
}

/* The better of two: as it was; turned round; turned back is what it was. */
static void test_preference(void)
{
    struct site pairs;
    char *const argv[] = {command[0], command[1], "pairs.jsonl", "--name", "anna", NULL};
    site_start(&pairs, argv, "0");
    reviewer_open(&browser, pairs.url);
    expect(ANSWERS, "One AA battery, alkaline. | It takes a battery.");
    press("1", 2);
    expect(COUNTS, "1,0,0,0");
    press("k", 1);
    press("2", 2);
    expect(COUNTS, "0,1,0,0");
    press("k", 1);
    expect(PILL, "\xE2\x9C\x8E edited");
    expect(ANSWERS, "It takes a battery. | One AA battery, alkaline.");
    press("2", 2);
    expect(COUNTS, "1,0,0,0");
    press("k", 1);
    browser_press(&browser, "e");
    wait_for(EDITING);
    expect("page.fields.length", "3");
    browser_type(&browser, " It lasts a year.");
    browser_save_key(&browser);
    reviewer_at(&browser, 2);
    press("k", 1);
    expect(ANSWERS, "One AA battery, alkaline. It lasts a year. | It takes a battery.");
    expect(COUNTS, "0,1,0,0");
    review_looks_at(&browser, shots, 1, "preference");
    browser_press(&browser, "j");
    reviewer_at(&browser, 2);
    test_file_changes();
    browser_press(&browser, "1");
    wait_for("page.row === null && !document.getElementById('empty').hidden");
    expect("document.getElementById('empty').textContent.startsWith('All rows are decided')", "true");
    shoot("end");
    press("u", 3);
    site_kill(&pairs);
}

static void run_tests(void)
{
    reviewer_window(&browser, 1280, 800, false);
    reviewer_open(&browser, server.url);
    test_begin();
    test_accept();
    test_html_is_text();
    test_edit();
    test_reject();
    test_edit_again();
    test_unreadable();
    test_tags();
    test_refused_edit();
    test_undo();
    test_filters();
    test_search();
    test_reload();
    test_two_tabs();
    review_lost(&browser, &server, command, shots);
    test_long_list();
    choose("decision", "");
    wait_for("page.rows[0]?.row === 1 && page.row !== null");
    review_looks(&browser, shots);
    test_preference();
}

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage: review_test CHROMIUM URL --review N, or CHROMIUM DIR|- SFT review FILE ARGUMENT...");
    browser_start(&browser, argv[1]);
    if (strcmp(argv[3], "--review") == 0) {
        reviewer_open(&browser, argv[2]);
        reviewer_review(&browser, atoi(argv[4]));
        browser_end(&browser);
        return 0;
    }
    shots = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    command = argv + 3;
    site_start(&server, command, "0");
    run_tests();
    static const char *const ours[] = {"http://127.0.0.1:", "about:", NULL};
    static const char *const expected[] = {"status of 403",      "status of 409",        "ERR_CONNECTION_REFUSED",
                                           "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", NULL};
    browser_check_requests(&browser, ours);
    browser_check_problems(&browser, expected);
    browser_check_policy(&browser);
    browser_end(&browser);
    site_kill(&server);
    puts("review_test: all as expected");
    return 0;
}
