/* A chat format: what stands before a conversation and around each message, and what becomes of the messages
 * themselves. A row of text/template_table.c, or what text/template_recognise.c has found a base's template to do. */
#ifndef SFT_TEXT_CHAT_FORMAT_H
#define SFT_TEXT_CHAT_FORMAT_H

#include "text/conversation.h"

#include <stdint.h>

struct template_piece {
    int32_t control;  /* id of a control token, or TOKEN_NONE: then it is text */
    const char *text; /* the token's content, or the text */
};

/* Text of the format's own. Its pieces are known once there is a vocabulary. */
struct affix {
    const char *text; /* NULL: there is none, which is not the same as "" */
    const struct template_piece *pieces;
    size_t count;
};

/* What is taken off a content's ends. */
enum trim {
    TRIM_NOTHING,
    TRIM_WHITE, /* all white space, as Python's strip */
    TRIM_BREAKS /* line breaks at the beginning */
};

/* Where a system message goes that begins a conversation. */
enum system_place {
    SYSTEM_TURN,          /* a turn of its own */
    SYSTEM_IN_FIRST_USER, /* into the first user's turn, before the content */
    SYSTEM_IN_LAST_USER   /* into the user's turn that ends the conversation; nowhere if none does */
};

/* What becomes of <think>...</think> in the assistant's contents. */
enum think {
    THINK_STAYS,
    THINK_LAST, /* Qwen3: gone from turns before the last question; the turn that ends the conversation has a block, an
                 * empty one if need be */
    THINK_ALL   /* each turn has a block */
};

/* A word in the first system message that decides about reasoning, and is taken out of it (SmolLM3). */
struct chat_mode {
    const char *word;          /* "/no_think"; NULL: no such words */
    struct affix first_prefix; /* of the system's turn */
    const char *default_system;
    struct affix opened; /* what each assistant's turn begins with */
};

enum { CHAT_MODES = 2 };

struct chat_format {
    struct affix start; /* before the first turn: BOS, or nothing */

    /* Around a message; a role without a suffix has no turn. "": there is nothing. The assistant's are in four parts:
     * prefix and `opened` before the content, suffix and `after` behind it. Trained are opened, content and suffix. */
    struct affix prefix[ROLE_COUNT], suffix[ROLE_COUNT];
    struct affix opened, after;
    struct affix after_last; /* `after` of a turn that ends the conversation; NULL: the same */
    struct affix end;        /* behind a conversation that nothing is to be generated for */
    struct affix prompt;     /* the header of an answer to be generated; NULL: prefix and opened */
    struct affix tool_join;  /* between messages of tools that follow each other, in one turn; NULL: each has a turn */

    /* The system's turn that begins a conversation; NULL: as its other turns. default_system: the content where the
     * conversation has no such turn; NULL: then there is none. modes: the second's word, or the first (which is the
     * default) of all others. */
    struct affix first_prefix, first_suffix;
    const char *default_system;
    struct chat_mode modes[CHAT_MODES];
    const char *refused_word; /* of a first system message that means what is not done here */

    enum system_place system_place;
    struct affix fold_before, fold_after; /* around a system message within a user's turn */
    enum trim trim[ROLE_COUNT];
    enum think think;
    struct affix think_open, think_close;
    bool alternates;        /* user and assistant take turns, a user first; all else is refused */
    bool system_first_only; /* a system message that is not the first is refused */
};

/* Every affix of a format, in a fixed order. */
enum { CHAT_AFFIXES = 13 + 2 * CHAT_MODES + 2 * ROLE_COUNT };
void chat_format_affixes(struct chat_format *format, struct affix *affixes[CHAT_AFFIXES]);

#endif
