/* A pager between what is printed on a terminal and the reader, as git has it.
 *
 *     struct pager pager;
 *     pager_start(&pager);
 *     printf(...);                      // stop early where ferror(stdout): the reader has seen enough
 *     code = pager_finish(&pager);
 *
 * The pager is $SFT_PAGER, else $PAGER, else less where there is one (LESS=FRX unless it is set); "" and "cat"
 * mean none, and there is none where stdout is no terminal. */
#ifndef SFT_CMD_PAGER_H
#define SFT_CMD_PAGER_H

#include <stdio.h>

struct pager {
    FILE *pipe; /* NULL: there is none */
    int stdout_fd;
};

/* Send stdout to the pager, if there is to be one. */
void pager_start(struct pager *pager);

/* Wait for the reader, and give stdout back. Returns the exit code: that of finish_output where there was no
 * pager, 0 after a reader who left early, 1 with a message where the pager could not be run. */
int pager_finish(struct pager *pager);

#endif
