#!/bin/sh
# Put the tables of keys, which the program makes from its own fields, between the markers of docs/configuration.md and docs/synth.md; with --check, only
# say whether they are there already.
#
# usage: sh scripts/update_docs.sh [--check] [SFT]
set -eu
options=--check
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
check=
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
sft=${1:-./sft}
new=$(mktemp)
table=$(mktemp)
trap 'rm -f "$new" "$table"' EXIT

update() { # FILE MARKER COMMAND
    sh scripts/config_table.sh "$sft" "$3" >"$table"
    awk -v table="$table" -v marker="$2" '
        index($0, "<!-- " marker ": ") == 1 { print; print ""; while ((getline line < table) > 0) print line; print ""; skip = 1; next }
        index($0, "<!-- end of " marker " -->") == 1 { skip = 0 }
        !skip { print }
    ' "$1" >"$new"
    if cmp -s "$new" "$1"; then
        return
    fi
    if [ -n "$check" ]; then
        echo "$1: the table of keys is not what the program has: run make docs" >&2
        exit 1
    fi
    cat "$new" >"$1"
}

update docs/configuration.md configuration train
update docs/synth.md recipe synth
