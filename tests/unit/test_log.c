/* What stderr gets: on a terminal a live line below the lines that are logged, elsewhere nothing but lines. */
#include "base/log.h"

#include "scratch.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* Every test runs in a process of its own: stderr is its to take. */
static int reader;

/* False, and said so, where the system has none to give (a chroot without /dev/pts). */
static bool make_terminal(unsigned short columns)
{
    reader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (reader < 0 || grantpt(reader) != 0 || unlockpt(reader) != 0) {
        printf("SKIP: a test of the live line: no terminal can be made\n");
        return false;
    }
    const int terminal = open(ptsname(reader), O_RDWR | O_NOCTTY);
    const struct winsize size = {.ws_row = 24, .ws_col = columns};
    ck_assert(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0);
    dup2(terminal, STDERR_FILENO);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    return true;
}

static void make_pipe(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
    reader = fds[0];
    dup2(fds[1], STDERR_FILENO);
}

/* What stderr got since the last call. A terminal hands it over in pieces and in its own time: `expected` bytes are
 * waited for, and what more there is then is taken too. */
static size_t read_written(char *got, size_t size, size_t expected)
{
    enum { PATIENCE_MS = 5000 };
    struct pollfd ready = {.fd = reader, .events = POLLIN};
    size_t n = 0;
    while (n < size && poll(&ready, 1, n < expected ? PATIENCE_MS : 0) > 0) {
        const ssize_t more = read(reader, got + n, size - n);
        if (more <= 0)
            break;
        n += (size_t)more;
    }
    return n;
}

/* A terminal makes \r\n of \n. */
static void check_written(const char *text)
{
    char got[2048];
    got[read_written(got, sizeof got - 1, strlen(text))] = '\0';
    ck_assert_str_eq(got, text);
}

START_TEST(a_live_line_stands_below_the_logged_ones)
{
    if (!make_terminal(80))
        return;
    log_info("one");
    check_written("one\r\n");
    log_progress("at %d", 1);
    check_written("\rat 1\033[J\r");
    log_info("two");
    check_written("\r\033[Jtwo\r\n\rat 1\033[J\r");
    log_warning("three");
    check_written("\r\033[J\033[1;35mwarning:\033[0m three\r\n\rat 1\033[J\r");
    log_progress("%s", "");
    check_written("\r\033[J");
    log_progress("%s", "");
    log_info("four");
    check_written("four\r\n");
}
END_TEST

START_TEST(it_is_not_drawn_more_often_than_can_be_read)
{
    if (!make_terminal(80))
        return;
    for (int i = 0; i < 1000; i++)
        log_progress("at %d of 1000", i);
    char got[1 << 16];
    const size_t n = read_written(got, sizeof got, strlen("\rat 0 of 1000\033[J\r"));
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, 1000 * 10); /* all of them would be twice as much */
    log_progress("something else"); /* is not waited with */
    check_written("\rsomething else\033[J\r");
    log_progress("%s", "text");
    check_written("\rtext\033[J\r");
    log_progress("%s", ""); /* neither is an end */
    check_written("\r\033[J");
}
END_TEST

START_TEST(it_is_cut_before_the_last_column)
{
    if (!make_terminal(12))
        return;
    log_progress("12345678901234");
    check_written("\r12345678901\033[J\r");
    log_progress("1234567\u00e4\u00f6\u00fc901234");
    check_written("\r1234567\u00e4\u00f6\u00fc9\033[J\r");
    log_progress("1234567\u8239\u8239\u8239");
    check_written("\r1234567\u8239\u8239\033[J\r");
    log_progress("a\n\033[Jc");
    check_written("\ra\\n\\x1b[Jc\033[J\r");
}
END_TEST

START_TEST(a_handler_speaks_on_a_line_of_its_own)
{
    if (!make_terminal(80))
        return;
    log_progress("at 1");
    check_written("\rat 1\033[J\r");
    log_from_signal("stopping\n");
    check_written("\r\033[Jstopping\r\n");
}
END_TEST

static void log_everything(void)
{
    log_progress("at 1");
    log_info("one");
    log_warning("two");
    log_progress("at 2");
    log_from_signal("three\n");
    log_progress("%s", "");
}

START_TEST(elsewhere_there_are_only_lines)
{
    make_pipe();
    log_everything();
    check_written("one\nwarning: two\nthree\n");
}
END_TEST

START_TEST(a_dumb_terminal_gets_only_lines)
{
    if (!make_terminal(80))
        return;
    setenv("TERM", "dumb", 1);
    log_everything();
    check_written("one\r\nwarning: two\r\nthree\r\n");
}
END_TEST

START_TEST(durations)
{
    const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0s"},        {59.4, "59s"},    {59.6, "1m00s"},    {190, "3m10s"},
                {3599, "59m59s"}, {3900, "1h05m"}, {360000, "100h00m"}};
    char out[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(log_duration(out, rows[i].seconds), rows[i].text);
    ck_assert_uint_lt(strlen(log_duration(out, 1e300)), sizeof out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    tcase_add_test(tests, a_live_line_stands_below_the_logged_ones);
    tcase_add_test(tests, it_is_not_drawn_more_often_than_can_be_read);
    tcase_add_test(tests, it_is_cut_before_the_last_column);
    tcase_add_test(tests, a_handler_speaks_on_a_line_of_its_own);
    tcase_add_test(tests, elsewhere_there_are_only_lines);
    tcase_add_test(tests, a_dumb_terminal_gets_only_lines);
    tcase_add_test(tests, durations);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
