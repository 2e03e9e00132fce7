#include "collect/review/side_file.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/xxh64.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEFORE_NAME ".review."
#define ENDING      ".jsonl"

enum { NAME_MAX_LEN = 64 };

enum sft_status side_file_check_name(const char *name, struct sft_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN || name[0] == '.' || strspn(name, letters) != len)
        return sft_fail(err, SFT_EUSAGE,
                        "'%.80s' is no reviewer's name (letters, digits, '.', '_' and '-', %d at most, no dot first)",
                        name, NAME_MAX_LEN);
    return SFT_OK;
}

void side_file_init(struct side_file *side, const char *file, const char *name)
{
    *side = (struct side_file){.name = mem_strdup(name), .fd = -1};
    side->path = mem_printf("%s" BEFORE_NAME "%s" ENDING, file, name);
}

void side_file_forget_moves(struct side_file *side)
{
    free(side->moved);
    side->moved = NULL;
    side->moved_size = side->n_moved = side->n_gone = 0;
}

static void clear(struct side_file *side)
{
    side_file_forget_moves(side);
    for (size_t i = 0; i < side->count; i++)
        decision_free(&side->items[i]);
    free(side->rows);
    side->rows = NULL;
    side->count = side->n_read = side->n_bad = side->n_rows = side->rows_capacity = side->n_steps = 0;
}

void side_file_close(struct side_file *side)
{
    clear(side);
    if (side->path && side->fd >= 0)
        close(side->fd);
    free(side->items);
    free(side->steps);
    free(side->name);
    free(side->path);
    *side = (struct side_file){.fd = -1};
}

/* ---- lines, in their order ---- */

/* The row's place in the table, or the free one that it would have. What a line says its row is may be any number: the
 * table is as large as there are lines. */
static struct side_row *find_row(const struct side_file *side, size_t row)
{
    const uint64_t key = row;
    size_t i = (size_t)xxh64(&key, sizeof key, 0) & (side->rows_capacity - 1);
    while (side->rows[i].row && side->rows[i].row != row)
        i = (i + 1) & (side->rows_capacity - 1);
    return &side->rows[i];
}

static void double_table(struct side_file *side)
{
    struct side_row *before = side->rows;
    const size_t n = side->rows_capacity;
    side->rows_capacity = n ? 2 * n : 64;
    side->rows = mem_calloc(side->rows_capacity, sizeof *side->rows);
    for (size_t i = 0; i < n; i++)
        if (before[i].row)
            *find_row(side, before[i].row) = before[i];
    free(before);
}

static struct side_row *row_of(struct side_file *side, size_t row)
{
    if (2 * (side->n_rows + 1) > side->rows_capacity)
        double_table(side);
    struct side_row *found = find_row(side, row);
    side->n_rows += found->row == 0;
    found->row = row;
    return found;
}

/* Take away the last step that was of this row; what it stood in place of, 0 where there is none: somebody else has
 * written that line. */
static size_t pop_step(struct side_file *side, size_t row)
{
    size_t i = side->n_steps;
    while (i > 0 && side->items[side->steps[i - 1].item - 1].row != row)
        i--;
    if (i == 0)
        return 0;
    const size_t before = side->steps[i - 1].before;
    memmove(&side->steps[i - 1], &side->steps[i], (side->n_steps - i) * sizeof *side->steps);
    side->n_steps--;
    return before;
}

/* The next line, whose strings it takes. */
static void add(struct side_file *side, struct decision *decision)
{
    side->items = mem_grow(side->items, &side->capacity, side->count + 1, sizeof *side->items);
    struct decision *d = &side->items[side->count++];
    *d = *decision;
    *decision = (struct decision){0};
    struct side_row *row = row_of(side, d->row);
    if (d->is_undo) {
        const size_t before = pop_step(side, d->row);
        if (!before || side->items[before - 1].verdict == VERDICT_NONE)
            d->verdict = VERDICT_NONE;
    } else {
        side->steps = mem_grow(side->steps, &side->steps_capacity, side->n_steps + 1, sizeof *side->steps);
        side->steps[side->n_steps++] = (struct side_step){side->count, row->last};
    }
    row->last = side->count;
    row->n++;
}

static void add_line(struct side_file *side, const char *line, size_t len)
{
    struct decision d;
    if (utf8_is_blank(line, len))
        return;
    if (decision_parse(&d, line, len, NULL) == SFT_OK)
        add(side, &d);
    else
        side->n_bad++;
}

/* ---- reading ---- */

/* What stands in the file from n_read on. */
static enum sft_status read_rest(const struct side_file *side, int fd, struct strbuf *rest, struct sft_err *err)
{
    char block[1 << 16];
    for (ssize_t n; (n = pread(fd, block, sizeof block, (off_t)(side->n_read + rest->len))) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sft_fail_errno(err, "%s: cannot read", side->path);
        strbuf_add(rest, block, (size_t)n);
    }
    return SFT_OK;
}

/* The whole lines of it; how many bytes they are. */
static size_t add_lines(struct side_file *side, const struct strbuf *rest)
{
    size_t at = 0;
    for (const char *end; rest->len && (end = memchr(rest->data + at, '\n', rest->len - at));) {
        const size_t len = (size_t)(end - (rest->data + at));
        add_line(side, rest->data + at, len);
        at += len + 1;
    }
    side->n_read += at;
    return at;
}

static enum sft_status refresh_from(struct side_file *side, int fd, struct sft_err *err)
{
    struct stat st;
    struct strbuf rest = {0};
    if (fstat(fd, &st))
        return sft_fail_errno(err, "%s: cannot read", side->path);
    if ((size_t)st.st_size < side->n_read || st.st_dev != side->device || st.st_ino != side->inode)
        clear(side);
    side->device = st.st_dev;
    side->inode = st.st_ino;
    if ((size_t)st.st_size == side->n_read)
        return SFT_OK;
    const enum sft_status status = read_rest(side, fd, &rest, err);
    if (!status)
        add_lines(side, &rest);
    strbuf_free(&rest);
    return status;
}

enum sft_status side_file_refresh(struct side_file *side, struct sft_err *err)
{
    if (side->fd >= 0)
        return SFT_OK; /* nobody else writes it */
    const int fd = open(side->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        clear(side);
        return SFT_OK;
    }
    if (fd < 0)
        return sft_fail_errno(err, "%s: cannot read", side->path);
    const enum sft_status status = refresh_from(side, fd, err);
    close(fd);
    return status;
}

/* ---- our own ---- */

static enum sft_status lock(struct side_file *side, struct sft_err *err)
{
    /* No link: data that came from elsewhere may bring one along, to a file of ours whose end would be "torn". */
    side->fd = open(side->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (side->fd < 0 && errno == ELOOP)
        return sft_fail(err, SFT_EUSAGE, "%s: is a link: decisions are written to a file", side->path);
    if (side->fd < 0)
        return sft_fail_errno(err, "%s: cannot write", side->path);
    if (flock(side->fd, LOCK_EX | LOCK_NB) == 0)
        return SFT_OK;
    if (errno != EWOULDBLOCK)
        return sft_fail_errno(err, "%s: cannot lock", side->path);
    return sft_fail(err, SFT_EUSAGE,
                    "a review of this file by %s is running already (another --name: several people can review it "
                    "at once)",
                    side->name);
}

/* A last line without its end is what a kill or a full disk has left: cut off. One that is whole but for its line break
 * was written by hand, and gets it. */
static enum sft_status mend_end(struct side_file *side, const char *tail, size_t len, struct sft_err *err)
{
    struct decision d;
    if (len == 0)
        return SFT_OK;
    if (decision_parse(&d, tail, len, NULL)) {
        if (ftruncate(side->fd, (off_t)side->n_read))
            return sft_fail_errno(err, "%s: cannot cut its torn last line off", side->path);
        return SFT_OK;
    }
    if (write(side->fd, "\n", 1) != 1) {
        decision_free(&d);
        return sft_fail_errno(err, "%s: cannot write", side->path);
    }
    side->n_read += len + 1;
    add(side, &d);
    return SFT_OK;
}

static enum sft_status read_own(struct side_file *side, struct sft_err *err)
{
    struct strbuf rest = {0};
    enum sft_status status = read_rest(side, side->fd, &rest, err);
    if (!status) {
        const size_t used = add_lines(side, &rest);
        status = mend_end(side, rest.len ? rest.data + used : "", rest.len - used, err);
    }
    strbuf_free(&rest);
    return status;
}

enum sft_status side_file_open(struct side_file *side, const char *file, const char *name, struct sft_err *err)
{
    *side = (struct side_file){.fd = -1};
    if (side_file_check_name(name, err))
        return err->status;
    side_file_init(side, file, name);
    char *dir = path_dirname(side->path);
    enum sft_status status = lock(side, err);
    if (!status)
        status = io_sync_dir(dir, err);
    if (!status)
        status = read_own(side, err);
    free(dir);
    return status;
}

/* A file that somebody has moved, removed or put another in the place of would take decisions along with it. */
static enum sft_status check_place(const struct side_file *side, struct sft_err *err)
{
    struct stat ours, named;
    if (fstat(side->fd, &ours) == 0 && lstat(side->path, &named) == 0 && ours.st_dev == named.st_dev &&
        ours.st_ino == named.st_ino)
        return SFT_OK;
    return sft_fail(err, SFT_EIO,
                    "%s: the decision cannot be written: the file was moved, removed or replaced (start sft review "
                    "again)",
                    side->path);
}

/* Whether somebody else, or a write that could not be taken back, has left a line without its end there. */
static bool is_torn(const struct side_file *side, off_t end)
{
    char last;
    return end > 0 && pread(side->fd, &last, 1, end - 1) == 1 && last != '\n';
}

/* The whole line at the end of the file, on the disk; or what was there before. */
static enum sft_status write_line(const struct side_file *side, const struct strbuf *line, struct sft_err *err)
{
    const off_t end = lseek(side->fd, 0, SEEK_END);
    size_t done = 0;
    while (end >= 0 && done < line->len) {
        const ssize_t n = write(side->fd, line->data + done, line->len - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (end >= 0 && done == line->len && fdatasync(side->fd) == 0)
        return SFT_OK;
    sft_fail_errno(err, "%s: the decision cannot be written", side->path);
    if (end >= 0 && ftruncate(side->fd, end))
        sft_remark(err, "; its beginning stands at the end of the file");
    return err->status;
}

enum sft_status side_file_append(struct side_file *side, struct decision *decision, struct sft_err *err)
{
    struct strbuf line = {0};
    enum sft_status status = check_place(side, err);
    strbuf_puts(&line, is_torn(side, lseek(side->fd, 0, SEEK_END)) ? "\n" : "");
    decision_print(decision, &line);
    if (!status)
        status = write_line(side, &line, err);
    if (status) {
        decision_free(decision);
    } else {
        side->n_read += line.len;
        add(side, decision);
    }
    strbuf_free(&line);
    return status;
}

static char *copy_of(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

/* The line that takes the step back. */
static struct decision undo_of(const struct side_file *side, const struct side_step *step, const char *time)
{
    static const struct decision nothing = {.verdict = VERDICT_NONE};
    const struct decision *before = step->before ? &side->items[step->before - 1] : &nothing;
    struct decision d = *before;
    d.row = side->items[step->item - 1].row;
    d.is_undo = true;
    d.messages = copy_of(before->messages);
    d.chosen = copy_of(before->chosen);
    d.rejected = copy_of(before->rejected);
    d.reason = copy_of(before->reason);
    d.time = mem_strdup(time);
    d.tags = (struct string_list){before->tags.count ? mem_calloc(before->tags.count, sizeof(char *)) : NULL, 0};
    while (d.tags.count < before->tags.count) {
        d.tags.items[d.tags.count] = mem_strdup(before->tags.items[d.tags.count]);
        d.tags.count++;
    }
    return d;
}

enum sft_status side_file_undo(struct side_file *side, const char *time, size_t *row, struct sft_err *err)
{
    if (!side_file_can_undo(side))
        return sft_fail(err, SFT_EUSAGE, "there is nothing to undo");
    struct decision d = undo_of(side, &side->steps[side->n_steps - 1], time);
    *row = d.row;
    return side_file_append(side, &d, err);
}

bool side_file_can_undo(const struct side_file *side)
{
    return side->n_steps > 0;
}

/* ---- what it says ---- */

const struct decision *side_file_last(const struct side_file *side, size_t row)
{
    if (row < side->moved_size && side->moved[row])
        return &side->items[side->moved[row] - 1];
    const struct side_row *found = row && side->rows ? find_row(side, row) : NULL;
    if (!found || !found->last)
        return NULL;
    const struct decision *d = &side->items[found->last - 1];
    return d->verdict == VERDICT_NONE ? NULL : d;
}

size_t side_file_seq(const struct side_file *side, size_t row)
{
    return row && side->rows ? find_row(side, row)->n : 0;
}

enum verdict side_file_verdict(const struct side_file *side, size_t row, uint64_t hash)
{
    const struct decision *d = side_file_last(side, row);
    return d && (!d->has_hash || d->hash == hash) ? d->verdict : VERDICT_NONE;
}

/* ---- all of a file ---- */

void side_files_init(struct side_files *all, const char *file, const char *but)
{
    *all = (struct side_files){.file = mem_strdup(file), .but = but};
}

void side_files_free(struct side_files *all)
{
    for (size_t i = 0; i < all->count; i++)
        side_file_close(&all->items[i]);
    free(all->items);
    free(all->file);
    *all = (struct side_files){0};
}

char *side_files_reviewer(const struct side_files *all, const char *entry)
{
    const char *base = path_basename(all->file);
    const size_t n_base = strlen(base), n_before = sizeof BEFORE_NAME - 1, n_ending = sizeof ENDING - 1,
                 len = strlen(entry);
    if (len <= n_base + n_before + n_ending || strncmp(entry, base, n_base) != 0 ||
        strncmp(entry + n_base, BEFORE_NAME, n_before) != 0 || !str_has_ending(entry, ENDING))
        return NULL;
    char *name = mem_strndup(entry + n_base + n_before, len - n_base - n_before - n_ending);
    if (side_file_check_name(name, NULL) == SFT_OK && !(all->but && strcmp(name, all->but) == 0))
        return name;
    free(name);
    return NULL;
}

static bool is_known(const struct side_files *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].name, name) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct side_file *)a)->name, ((const struct side_file *)b)->name);
}

static enum sft_status find_new(struct side_files *all, struct sft_err *err)
{
    char **entries, *dir = path_dirname(all->file);
    size_t n;
    const enum sft_status status = io_list(dir, &entries, &n, err);
    free(dir);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++) {
        char *name = side_files_reviewer(all, entries[i]);
        if (name && !is_known(all, name)) {
            all->items = mem_realloc(all->items, all->count + 1, sizeof *all->items);
            side_file_init(&all->items[all->count++], all->file, name);
        }
        free(name);
    }
    io_list_free(entries, n);
    if (all->count)
        qsort(all->items, all->count, sizeof *all->items, by_name);
    return SFT_OK;
}

enum sft_status side_files_refresh(struct side_files *all, struct sft_err *err)
{
    enum sft_status status = find_new(all, err);
    for (size_t i = 0; i < all->count; i++) {
        const enum sft_status one = side_file_refresh(&all->items[i], status ? NULL : err);
        status = status ? status : one;
    }
    return status;
}
