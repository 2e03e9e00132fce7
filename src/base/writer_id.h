/* Whose unfinished file it is. A file that several processes may write at once is written as
 *
 *     NAME.PID.HOST.tmp
 *
 * where HOST (16 hex digits) stands for a start of a machine and a space of process numbers on it: of a process of
 * another HOST, on a shared file system or in another container, nothing can be known here. */
#ifndef SFT_BASE_WRITER_ID_H
#define SFT_BASE_WRITER_ID_H

/* The name under which this process writes `path`; malloc'd. */
char *writer_tmp_path(const char *path);

enum writer {
    WRITER_NONE,     /* no such ending */
    WRITER_AT_WORK,  /* a process of that number is there (or this is it) */
    WRITER_GONE,     /* there is none: nobody will finish the file */
    WRITER_ELSEWHERE /* another host's, or an earlier version's name, ".PID.tmp" */
};

/* What the ending of an unfinished file (what follows NAME: ".PID.HOST.tmp") says of its writer. */
enum writer writer_of(const char *ending);

#endif
