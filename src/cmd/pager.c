#include "cmd/pager.h"

#include "cmd/cmd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char less_or_nothing[] =
    "if command -v less >/dev/null 2>&1; then exec less -R; else exec cat; fi";

/* The command, for the shell; NULL: none. */
static const char *pager_command(void)
{
    const char *term = getenv("TERM"), *command = getenv("SFT_PAGER");
    if (!isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0)
        return NULL;
    if (!command)
        command = getenv("PAGER");
    if (!command)
        command = less_or_nothing;
    return *command && strcmp(command, "cat") != 0 ? command : NULL;
}

/* Ctrl-C belongs to the pager while it runs, and a reader who leaves is no failure. */
static void handle_signals(void (*handler)(int))
{
    signal(SIGINT, handler);
    signal(SIGQUIT, handler);
    signal(SIGPIPE, handler);
}

void pager_start(struct pager *pager)
{
    const char *command = pager_command();
    *pager = (struct pager){0};
    if (!command)
        return;
    fflush(stdout);
    setenv("LESS", "FRX", 0);
    pager->stdout_fd = dup(STDOUT_FILENO);
    pager->pipe = pager->stdout_fd < 0 ? NULL : popen(command, "w");
    if (!pager->pipe)
        return;
    handle_signals(SIG_IGN);
    dup2(fileno(pager->pipe), STDOUT_FILENO);
}

int pager_finish(struct pager *pager)
{
    enum { SHELL_CANNOT_RUN = 126, SHELL_NOT_FOUND = 127 };
    if (!pager->pipe)
        return finish_output();
    fflush(stdout);
    clearerr(stdout);
    dup2(pager->stdout_fd, STDOUT_FILENO);
    close(pager->stdout_fd);
    const int status = pclose(pager->pipe);
    handle_signals(SIG_DFL);
    *pager = (struct pager){0};
    if (status < 0 || !WIFEXITED(status) ||
        (WEXITSTATUS(status) != SHELL_CANNOT_RUN && WEXITSTATUS(status) != SHELL_NOT_FOUND))
        return 0;
    fprintf(stderr, "error: the pager could not be run (set SFT_PAGER, or --no-pager)\n");
    return 1;
}
