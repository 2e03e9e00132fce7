#!/bin/sh
# The keys of a configuration, or with "synth" of a recipe, as a Markdown table, from the program's own table of fields; docs/configuration.md and
# docs/synth.md hold what this prints.
#
# usage: sh scripts/config_table.sh [SFT [train | synth]]
set -eu
. "$(dirname "$0")/help.sh"
"${1:-./sft}" "${2:-train}" --keys | awk '
# a meaning goes on in the lines below, far to the right
/^          / { sub(/^ */, " "); held = held $0; next }
         { if (NR > 1) print held; held = $0 }
END      { print held }' | awk '
/^\[/     { section = $0; print (n++ ? "\n" : "") "**`" section "`**\n\n| key | default | meaning |\n|---|---|---|"; next }
/^  [a-z]/ {
    line = substr($0, 3)
    key = line; sub(/ .*/, "", key)
    rest = substr(line, length(key) + 4)
    default_value = rest; sub(/  +.*/, "", default_value)
    meaning = rest; sub(/^[^ ]*  +/, "", meaning); sub(/^ +/, "", meaning)
    gsub(/\|/, "\\|", meaning)
    shown = default_value == "" || default_value ~ /^ *$/ ? "" : "`" default_value "`"
    printf "| `%s` | %s | %s |\n", key, shown, meaning
}'
