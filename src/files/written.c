#include "files/written.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "# " WRITTEN_BY_SFT "\n", front[] = "---\n";

bool written_by_sft(const char *path)
{
    char text[sizeof mark + sizeof front];
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    ssize_t n = -1;
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const size_t skipped = strncmp(text, front, sizeof front - 1) == 0 ? sizeof front - 1 : 0;
    return strncmp(text + skipped, mark, sizeof mark - 1) == 0;
}

char *written_for(const char *path, const char *head)
{
    struct strbuf all = {0};
    char *found = NULL;
    if (!written_by_sft(path) || io_read_file(path, &all, NULL)) {
        strbuf_free(&all);
        return NULL;
    }
    const char *line = strstr(all.data, mark) + sizeof mark - 1;
    for (const char *end; !found && (end = strchr(line, '\n')); line = end + 1)
        if (strncmp(line, head, strlen(head)) == 0)
            found = mem_strndup(line + strlen(head), (size_t)(end - line) - strlen(head));
    strbuf_free(&all);
    return found;
}
