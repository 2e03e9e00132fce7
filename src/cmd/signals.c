#include "cmd/cmd.h"

#include <signal.h>

static volatile int stop_requested;

void catch_signals(void (*handler)(int))
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction hangup;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN) /* nohup asks for it to stay ignored */
        sigaction(SIGHUP, &action, NULL);
}

static void on_signal(int signal_number)
{
    stop_requested = 1;
    signal(signal_number, SIG_DFL);
}

const volatile int *stop_on_signals(void)
{
    catch_signals(on_signal);
    return &stop_requested;
}
