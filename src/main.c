/* sft: fine-tune small language models on conversations. This file only finds the subcommand. */
#include "cmd/cmd.h"
#include "kernels.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SFT_VERSION "0.1"

const struct cmd commands[] = {
    {"train", "fine-tune a base on conversations, or go on where a run stopped", cmd_train},
    {"inspect", "show what would be trained on, token by token", cmd_inspect},
    {"generate", "answer prompts", cmd_generate},
    {"chat", "talk to a model", cmd_chat},
    {"eval", "score a model on conversations", cmd_eval},
    {"bench", "measure how fast a model trains here, and where the time goes", cmd_bench},
    {"export", "write a model in another format or precision", cmd_export},
    {"info", "say what a model directory holds, and whether it is whole", cmd_info},
    {"tokenizer", "encode and decode text, train a new one", cmd_tokenizer},
};
const size_t commands_count = sizeof commands / sizeof *commands;

static void print_commands(FILE *out)
{
    fputs("usage: sft COMMAND [arguments]\n\ncommands:\n", out);
    for (size_t i = 0; i < commands_count; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\nsft COMMAND --help says more about one.\n", out);
}

static int unknown_command(const char *word)
{
    const char *names[sizeof commands / sizeof *commands];
    for (size_t i = 0; i < commands_count; i++)
        names[i] = commands[i].name;
    const char *nearest = nearest_word(word, names, commands_count);
    fprintf(stderr, "error: unknown command '%s' (%s%s%ssft --help lists them)\n", word,
            nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "");
    return 2;
}

/* Where standard input, output or error were closed, the next file opened would get their number, and a message or a
 * result would go into it. Something must have it: opened so that reading or writing fails as before (gnulib's stdopen
 * does the same). */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return; /* without /dev: as it was */
}

/* What a write cannot do, the write says: a closed pipe, a file over the limit of ulimit -f. */
static void ignore_signals_of_writes(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
    char why[512];
    occupy_standard_descriptors();
    ignore_signals_of_writes();
    if (!kernels_start(argv, why, sizeof why)) {
        fprintf(stderr, "error: %s\n", why);
        return 1;
    }
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return finish_output();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("sft %s\n", SFT_VERSION);
        return finish_output();
    }
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown_command(argv[1]);
}
