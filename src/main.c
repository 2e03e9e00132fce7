/* sft: fine-tune small language models on conversations. This file only finds the subcommand. */
#include "base/map.h"
#include "cmd/cmd.h"
#include "kernels.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

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

int main(int argc, char **argv)
{
    char why[512];
    if (!kernels_start(argv, why, sizeof why)) {
        fprintf(stderr, "error: %s\n", why);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write that fails: finish_output */
    map_catch_faults();
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
