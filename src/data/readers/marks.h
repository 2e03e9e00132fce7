/* What a reader says of a node of a row (base/json.h keeps it), so that what nobody read can be told: keys.h. */
#ifndef SFT_DATA_READERS_MARKS_H
#define SFT_DATA_READERS_MARKS_H

#include "base/json.h"

enum key_mark {
    MARK_UNREAD,
    MARK_READ,    /* it was looked into: its own keys are counted too */
    MARK_WHOLE,   /* and taken as it is, with all that is in it */
    MARK_REFUSED, /* a flag that says to train what is never trained */
    MARK_IGNORED, /* the user's columns leave it out */
};

/* The node itself, marked as read; NULL is fine. */
const json *mark_read(const json *node);

#endif
