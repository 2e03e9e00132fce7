/* Decisions whose rows have moved: a row that is taken out of FILE, or put in, shifts the numbers of all behind it.
 *
 * A decision whose hash does not fit the row of its number goes with the one row of FILE that has that hash, unless the
 * reviewer has decided that row under its own number. Where several rows have it, it goes with none. */
#ifndef SFT_COLLECT_REVIEW_MOVED_ROWS_H
#define SFT_COLLECT_REVIEW_MOVED_ROWS_H

#include "collect/review/review_rows.h"
#include "collect/review/side_file.h"

/* Find them; to be called again whenever the rows or the lines of the reviewer have become others. */
void moved_rows_find(struct side_file *side, const struct review_rows *rows);
void moved_rows_find_all(struct side_files *all, const struct review_rows *rows);

#endif
