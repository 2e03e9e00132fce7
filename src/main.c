/* sft: fine-tune small language models on conversations. This file only finds the subcommand. */
#include "base/version.h"
#include "base/map.h"
#include "base/nearest.h"
#include "cmd/cmd.h"
#include "kernels.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


const struct cmd commands[] = {
    {"synth", "have a model write conversations to train on", cmd_synth},
    {"train", "fine-tune a base on conversations, or continue a run that stopped", cmd_train},
    {"inspect", "show what would be trained on, token by token", cmd_inspect},
    {"generate", "answer prompts, one or many", cmd_generate},
    {"chat", "talk to a model", cmd_chat},
    {"serve", "answer over HTTP: OpenAI's API, and a page to chat in a browser", cmd_serve},
    {"eval", "score a model on conversations, or by what it refuses", cmd_eval},
    {"judge", "tell refusals from compliance in answers that are already there", cmd_judge},
    {"review", "read conversations one by one in a browser: accept, edit, reject", cmd_review},
    {"bench", "measure how fast a model trains here, and where the time goes", cmd_bench},
    {"export", "write a model in another format or precision", cmd_export},
    {"import", "make a Hugging Face directory of a model in GGUF", cmd_import},
    {"info", "say what a model directory holds, and whether it is complete", cmd_info},
    {"tokenizer", "encode and decode text, or train a new tokenizer", cmd_tokenizer},
};
const size_t commands_count = sizeof commands / sizeof *commands;

static void print_commands(FILE *out)
{
    fputs("usage: sft COMMAND [arguments]\n\ncommands:\n", out);
    for (size_t i = 0; i < commands_count; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\nsft help COMMAND says more about one; sft --version prints the version.\n", out);
}

static const struct cmd *find_command(const char *name)
{
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
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

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* "sft help", "sft help train", "sft help tokenizer train". */
static int help(int argc, char **argv)
{
    char option[] = "--help", *words[] = {NULL, option, NULL, NULL};
    if (argc < 2 || is_one_of(argv[1], "help", "version", "--help")) {
        print_commands(stdout);
        return finish_output();
    }
    const struct cmd *command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    words[0] = argv[1];
    if (argc > 2) {
        words[1] = argv[2];
        words[2] = option;
    }
    return command->run(argc > 2 ? 3 : 2, words);
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
    occupy_standard_descriptors();
    ignore_signals_of_writes();
    kernels_start(argv);
    map_catch_faults();
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (is_one_of(argv[1], "help", "--help", "-h"))
        return help(argc - 1, argv + 1);
    if (is_one_of(argv[1], "version", "--version", "-V")) {
        printf("sft %s\n", SFT_VERSION);
        return finish_output();
    }
    const struct cmd *command = find_command(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
