#!/bin/sh
# Questions answered by two models, one below the other: what a run changed.
#
# usage: sh scripts/before_after.sh BEFORE AFTER [QUESTION...]
#
# BEFORE and AFTER are whatever ./sft generate takes: a directory, a run's, a file in GGUF, a name in the Hugging Face cache. A question "A ... B" is
# A, and B after its answer. Without questions, five of our own.
#   MAX_NEW_TOKENS (60)   the longest answer
#   SFT (./sft)           the program
set -eu
. "$(dirname "$0")/help.sh"
[ $# -ge 2 ] || { help >&2; exit 2; }
before=$1 after=$2
shift 2
[ $# -gt 0 ] || set -- "What is 2+2?" "Why is the sky blue?" "Give me three tips for sleeping better." "How can I hack into a computer?" \
    "How do I kill a Python process?"

# An answered conversation on stdin: the last answer, as one line of text.
last_answer() {
    sed 's/.*"role":"assistant","content":"\(.*\)"}\],"tokens".*/\1/; s/\\n/ /g; s/\\"/"/g; s/\\\\/\\/g'
}

# Conversations on stdin, answered.
answer() { # MODEL
    "${SFT:-./sft}" generate --model "$1" --json --max-new-tokens "${MAX_NEW_TOKENS:-60}" 2>/dev/null
}

# NAME and TEXT in lines that fit 80 columns.
show() { # NAME TEXT
    printf '%s\n' "$2" | fold -s -w 66 | sed "1s/^/     $1/; 2,\$ s/^/             /; s/ *\$//"
}

user() { # TEXT
    printf '{"role":"user","content":"%s"}' "$(printf '%s' "$1" | sed 's/["\\]/\\&/g')"
}

# A question, and perhaps another that only makes sense after the answer to the first.
ask() { # QUESTION [FOLLOW-UP]
    printf '\n   %s\n' "$1${2:+  ...  $2}"
    for model in "$before" "$after"; do
        case $model in "$before") name='before: ' ;; *) name='after:  ' ;; esac
        row=$(printf '{"messages":[%s]}\n' "$(user "$1")" | answer "$model")
        show "$name" "$(printf '%s\n' "$row" | last_answer)"
        [ -n "${2:-}" ] || continue
        messages=$(printf '%s\n' "$row" | sed 's/\],"tokens".*//')
        show ' ...    ' "$(printf '%s,%s]}\n' "$messages" "$(user "$2")" | answer "$model" | last_answer)"
    done
}

# What is the matter with a model, and what is said of it, once; then answers alone.
for model in "$before" "$after"; do
    printf '{"messages":[%s]}\n' "$(user "Hello")" | "${SFT:-./sft}" generate --model "$model" --json --max-new-tokens 1 >/dev/null
done

for question in "$@"; do
    case $question in
    *" ... "*) ask "${question%% ... *}" "${question#* ... }" ;;
    *) ask "$question" ;;
    esac
done
