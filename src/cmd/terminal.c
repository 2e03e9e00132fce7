#include "cmd/terminal.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MARK_PASTES "\033[?2004h"
#define DO_NOT_MARK_PASTES "\033[?2004l"

static int wake_pipe[2] = {-1, -1};
static volatile sig_atomic_t stop, is_over;
static atomic_uint news; /* of enum terminal_news, but for TERMINAL_OVER */

static struct {
    volatile sig_atomic_t is_taken;
    struct termios found, quiet;
} terminal;

/* ---- signals ---- */

/* Only what a signal's handler may call. */
static void tell(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody is there */
}

static void wake(unsigned what)
{
    const int saved_errno = errno;
    atomic_fetch_or(&news, what);
    if (write(wake_pipe[1], "", 1) < 0)
        errno = saved_errno; /* it is full: it can be read */
}

static void on_signal(int signal_number)
{
    stop = 1;
    is_over |= signal_number != SIGINT;
    wake(TERMINAL_INTERRUPTED);
}

static void on_resize(int signal_number)
{
    (void)signal_number;
    wake(TERMINAL_CHANGED);
}

void terminal_catch_signals(void)
{
    if (wake_pipe[0] < 0 && pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) != 0)
        wake_pipe[0] = wake_pipe[1] = -1;
    catch_signals(on_signal);
}

int terminal_wake_fd(void)
{
    return wake_pipe[0];
}

unsigned terminal_news(void)
{
    char taken[64];
    while (read(wake_pipe[0], taken, sizeof taken) > 0)
        ;
    return atomic_exchange(&news, 0) | (is_over ? TERMINAL_OVER : 0); /* what comes now wakes again */
}

const volatile sig_atomic_t *terminal_stop(void)
{
    return &stop;
}

bool terminal_is_over(void)
{
    return is_over;
}

void terminal_begin_line(void)
{
    terminal_news();
    stop = is_over;
}

/* ---- modes ---- */

/* From a handler, too. */
static void set_modes(const struct termios *modes)
{
    while (tcsetattr(STDIN_FILENO, TCSADRAIN, modes) != 0 && errno == EINTR)
        ;
}

void terminal_give_back(void)
{
    if (!terminal.is_taken)
        return;
    terminal.is_taken = 0;
    tell(DO_NOT_MARK_PASTES);
    set_modes(&terminal.found);
}

static void take(const struct termios *modes)
{
    set_modes(modes);
    tell(MARK_PASTES);
    terminal.is_taken = 1;
}

/* The shell gets the terminal as it was; when we go on it is again as we had it. */
static void on_suspend(int signal_number)
{
    const int saved_errno = errno;
    const struct sigaction suspended = {.sa_handler = SIG_DFL};
    struct sigaction ours;
    struct termios modes;
    sigset_t this_one;
    const bool was_taken = terminal.is_taken && tcgetattr(STDIN_FILENO, &modes) == 0;
    terminal_give_back();
    sigaction(signal_number, &suspended, &ours);
    sigemptyset(&this_one);
    sigaddset(&this_one, signal_number);
    raise(signal_number);
    pthread_sigmask(SIG_UNBLOCK, &this_one, NULL); /* here we stand still */
    pthread_sigmask(SIG_BLOCK, &this_one, NULL);
    sigaction(signal_number, &ours, NULL);
    if (was_taken)
        take(&modes);
    wake(TERMINAL_CHANGED);
    errno = saved_errno;
}

static void handle(int signal_number, void (*handler)(int))
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction old;
    sigaction(signal_number, NULL, &old);
    if (old.sa_handler != SIG_IGN) /* a shell without job control has no one who would let us go on */
        sigaction(signal_number, &action, NULL);
}

bool terminal_take(void)
{
    if (wake_pipe[0] < 0 || tcgetattr(STDIN_FILENO, &terminal.found) != 0)
        return false;
    terminal.quiet = terminal.found;
    terminal.quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    terminal.quiet.c_cc[VMIN] = 1;
    terminal.quiet.c_cc[VTIME] = 0;
    atexit(terminal_give_back);
    handle(SIGWINCH, on_resize);
    take(&terminal.found);
    handle(SIGTSTP, on_suspend);
    return true;
}

void terminal_be_quiet(void)
{
    set_modes(&terminal.quiet);
}

uint32_t terminal_key(uint32_t character)
{
    const cc_t *keys = terminal.found.c_cc;
    if (character && character == keys[VINTR])
        return TERMINAL_INTERRUPT_KEY;
    return character && character == keys[VSUSP] ? TERMINAL_SUSPEND_KEY : character;
}
