#!/bin/sh
# Put the configuration table, which the program makes from its own fields, between docs/configuration.md's markers; with --check, only say whether it
# is there already.
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
new=$(mktemp)
table=$(mktemp)
trap 'rm -f "$new" "$table"' EXIT
sh scripts/config_table.sh "${1:-./sft}" >"$table"
awk -v table="$table" '
    /^<!-- configuration: / { print; print ""; while ((getline line < table) > 0) print line; print ""; skip = 1; next }
    /^<!-- end of configuration -->/ { skip = 0 }
    !skip { print }
' docs/configuration.md >"$new"
if cmp -s "$new" docs/configuration.md; then
    exit 0
fi
if [ -n "$check" ]; then
    echo "docs/configuration.md: the configuration table is not what the program has: run make docs" >&2
    exit 1
fi
cat "$new" >docs/configuration.md
