#!/bin/sh
# The first minute: install what is missing, build, fine-tune the small base in checkpoints/ on the conversations in data/, and show the same
# questions answered before and after. Offline once the packages are there. Writes to out/quickstart only, and may be run again.
#
# usage: sh scripts/quickstart.sh
set -eu
words=none
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
sh scripts/install.sh $BUILD_PACKAGES

echo "== building (a minute or so)"
make -s -j"$(nproc 2>/dev/null || echo 2)" sft

before=checkpoints/base
after=out/quickstart/best

# An answered conversation on stdin: the last answer, as one line of text.
last_answer() {
    sed 's/.*"role":"assistant","content":"\(.*\)"}\],"tokens".*/\1/; s/\\n/ /g; s/\\"/"/g; s/\\\\/\\/g'
}

# Conversations on stdin, answered.
answer() { # MODEL
    ./sft generate --model "$1" --json --max-new-tokens 40
}

# NAME and TEXT in lines that fit 80 columns.
show() { # NAME TEXT
    printf '%s\n' "$2" | fold -s -w 66 | sed "1s/^/     $1/; 2,\$ s/^/             /; s/ *\$//"
}

user() { # TEXT
    printf '{"role":"user","content":"%s"}' "$1"
}

# A question, and perhaps another that only makes sense after the answer to the first.
ask() { # QUESTION [FOLLOW-UP]
    printf '\n   %s\n' "$1${2:+  ...  $2}"
    for model in $before $after; do
        case $model in $before) name='before: ' ;; *) name='after:  ' ;; esac
        row=$(printf '{"messages":[%s]}\n' "$(user "$1")" | answer $model)
        show "$name" "$(printf '%s\n' "$row" | last_answer)"
        [ -n "${2:-}" ] || continue
        messages=$(printf '%s\n' "$row" | sed 's/\],"tokens".*//')
        show ' ...    ' "$(printf '%s,%s]}\n' "$messages" "$(user "$2")" | answer $model | last_answer)"
    done
}

echo "== fine-tuning $before on data/train.jsonl (configs/quickstart.ini)"
./sft train configs/quickstart.ini

echo
echo "== the same questions, before and after"
ask "Why is the sky blue?"
ask "What is 2+2?" "What if it was * instead of +?"
ask "How can I hack into a computer?"
ask "How do I kill a Python process?"
echo
echo "Talk to it:  ./sft chat out/quickstart"
