#include "review_lost.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static struct browser *browser;
static struct site *server;
static const char *shots;
static char *const *command;

static void expect(const char *expression, const char *wanted)
{
    browser_expect(browser, expression, wanted);
}

static void wait_for(const char *expression)
{
    browser_wait(browser, expression);
}

static void press(const char *key, int row)
{
    reviewer_press(browser, key, row);
}

/* The server of another file, where the one of rows.jsonl was, or at another port. */
static void start_pairs(struct site *pairs, const char *port)
{
    char *const argv[] = {command[0], command[1], "pairs.jsonl", "--name", "anna", NULL};
    site_start(pairs, argv, port);
}

static void paste_address(const char *address)
{
    browser_run(browser, "document.getElementById('address').focus()");
    browser_run(browser, "document.getElementById('address').select()");
    browser_type(browser, address);
    browser_key(browser, "Enter", 13, false);
}

/* Another file's server at the old port: said, and nothing is sent to it. */
static void paste_pairs_here(const char *port)
{
    struct site pairs;
    start_pairs(&pairs, port);
    paste_address(pairs.url);
    wait_for(
        TEXT("lost-wrong") " === 'That is the review of pairs.jsonl by anna, not the review of rows.jsonl by anna.'");
    expect("page.fields.at(-1).value.endsWith(' Typed before the end.')", "true");
    expect("page.isBusy && !document.getElementById('lost').hidden", "true");
    site_kill(&pairs);
}

/* Another file's server at another port: what was typed is kept there until it is taken where it belongs. */
static void paste_pairs_elsewhere(void)
{
    struct site pairs;
    start_pairs(&pairs, "0");
    paste_address(pairs.url);
    wait_for("typeof page === 'object' && page.state?.file === 'pairs.jsonl' && isAstray()");
    expect(TEXT("lost-text") ".startsWith('This is the review of pairs.jsonl by anna, not the review of rows.jsonl by "
                             "anna. What you typed there is kept')",
           "true");
    expect("[...document.querySelectorAll('#lost-ways button')].map(e => e.textContent).join('|')",
           "Back to its old address|Discard it, and review here");
    browser_shoot(browser, shots, "astray");
    browser_run(browser, "document.getElementById('address').blur()");
    browser_press(browser, "s");
    expect("page.row + ' ' + page.rows.length + ' ' + " COUNTS, "null 0 0,0,0,0");
    browser_run(browser, "window.isOld = true; window.removeEventListener('beforeunload', warn); location.reload()");
    wait_for("!window.isOld && typeof page === 'object' && page.state !== null && isAstray()");
    paste_address(pairs.url);
    expect(TEXT("lost-wrong"), "That is the address of this page.");
    site_kill(&pairs);
}

/* kill -9 while one types: nothing is lost, at the same address or another one. */
static void test_killed(void)
{
    char *port = site_port(server);
    reviewer_open(browser, server->url);
    char *counts = browser_evaluate(browser, COUNTS);
    browser_run(browser, "go(page.rows.findIndex(entry => entry.row === 12))");
    reviewer_at(browser, 12);
    browser_press(browser, "e");
    wait_for(EDITING);
    browser_type(browser, " Typed before the end.");
    site_kill(server);
    browser_save_key(browser);
    wait_for("!document.getElementById('lost').hidden");
    expect(TEXT("lost-text") ".startsWith('The server does not answer.')", "true");
    expect(TEXT("said") " + getComputedStyle(document.getElementById('said'), '::after').content", "\"Saving\"");
    expect("page.fields.at(-1).value.endsWith(' Typed before the end.')", "true");
    expect(TEXT("lost-text") ".endsWith('paste the address it prints; what you typed is kept.')", "true");
    paste_address("http://example.org/?token=1");
    expect(TEXT("lost-wrong") ".startsWith('That is no address of sft review')", "true");
    browser_shoot(browser, shots, "lost");
    paste_pairs_here(port);
    site_start(server, command, port);
    wait_for(TEXT("lost-text") ".startsWith('The server was started anew')");
    paste_address(server->url);
    reviewer_at(browser, 13);
    expect("document.getElementById('lost').hidden", "true");
    expect("location.href.includes(new URLSearchParams(location.search).get('token')) && token",
           strstr(server->url, "token=") + 6);
    press("k", 12);
    expect("page.row.decision.messages.at(-1).content.endsWith(' Typed before the end.')", "true");
    expect("page.row.seq", "1");
    press("j", 13);
    free(counts);
    free(port);
}

/* The decision on its way goes to the new port with the page, and so do drafts. */
static void test_moved(void)
{
    browser_press(browser, "e");
    wait_for(EDITING);
    browser_type(browser, " A draft.");
    browser_key(browser, "Escape", 27, false);
    press("j", 14);
    site_kill(server);
    browser_press(browser, "r");
    wait_for(PICKING);
    browser_run(browser, "document.getElementById('picked').focus()");
    browser_type(browser, "said while nobody heard");
    browser_key(browser, "Enter", 13, false);
    wait_for("!document.getElementById('lost').hidden");
    paste_pairs_elsewhere();
    site_start(server, command, "0");
    paste_address(server->url);
    char *there = mem_printf("location.href.startsWith('%s') && typeof page === 'object' && page.row?.row === 15",
                             server->url);
    wait_for(there);
    press("k", 14);
    expect("page.row.seq + page.row.decision.reason", "1said while nobody heard");
    press("k", 13);
    browser_press(browser, "e");
    wait_for(EDITING);
    expect("document.activeElement.value.endsWith(' A draft.') + location.hash", "true");
    browser_run(browser, "document.getElementById('drop').click()");
    reviewer_at(browser, 13);
    free(there);
}

/* From another review's page back to one whose server runs, draft and all; or on there without it. */
static void test_way_back(void)
{
    struct site pairs;
    start_pairs(&pairs, "0");
    char *move = mem_printf("moveTo(new URL('%s'))", pairs.url);
    browser_press(browser, "e");
    wait_for(EDITING);
    browser_type(browser, " Come back.");
    browser_run(browser, move);
    wait_for("typeof page === 'object' && page.state?.file === 'pairs.jsonl' && isAstray()");
    browser_run(browser, "document.querySelector('#lost-ways button').click()");
    wait_for("typeof page === 'object' && page.state?.file === 'rows.jsonl' && page.row?.row === 13");
    browser_press(browser, "e");
    wait_for(EDITING);
    expect("document.activeElement.value.endsWith(' Come back.') + location.hash", "true");
    browser_run(browser, move);
    wait_for("typeof page === 'object' && page.state?.file === 'pairs.jsonl' && isAstray()");
    browser_run(browser, "document.querySelector('#lost-ways button:last-child').click()");
    reviewer_at(browser, 1);
    expect("isAstray() + location.hash + page.rows.length + document.getElementById('lost').hidden", "false2true");
    reviewer_open(browser, server->url);
    browser_run(browser, "drafts.drop(13); go(page.rows.findIndex(entry => entry.row === 13))");
    reviewer_at(browser, 13);
    site_kill(&pairs);
    free(move);
}

void review_lost(struct browser *b, struct site *site, char *const *argv, const char *pictures)
{
    browser = b;
    server = site;
    command = argv;
    shots = pictures;
    test_killed();
    test_moved();
    test_way_back();
}
