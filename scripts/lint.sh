#!/bin/sh
# The rules of the house that a program can check: which room may include which, no files in a circle, headers that
# compile alone, no file too long, nothing that removes NaN checks.
#
# usage: sh scripts/lint.sh
set -eu
words=none
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
failed=0

fail() {
    echo "lint: $*" >&2
    failed=1
}

# A room, a folder of src/, may include itself and the rooms to its left. A room within a room comes before it: what the
# outer one has of its own is made of the inner ones. (model/block, files/gguf and files/peft only group files.)
rooms="base config text/tokenizer text/bpe_train text/jinja text model files
       data/source data/rows data/readers data/store data train report infer judge serve collect/synth collect/review cmd"
allowed=
for room in $rooms; do
    allowed="$allowed $room"
    for file in src/"$room"/*.[ch] src/"$room"/block/*.[ch] src/"$room"/gguf/*.[ch] src/"$room"/peft/*.[ch]; do
        [ -e "$file" ] || continue
        for included in $(sed -n 's/^#include "\(.*\)\/.*/\1/p' "$file" | sort -u); do
            [ -d "src/$included" ] || continue
            outer=${included%/block} outer=${outer%/gguf}
            case " $allowed " in
            *" ${outer%/peft} "*) ;;
            *) fail "$file includes $included/, which is not to the left of $room ($rooms)" ;;
            esac
        done
        case $room in
        base | config | text* | data*)
            if grep -qE '^#include "(kernels|cpu|real|threads)\.h"' "$file"; then
                fail "$file includes the kernels: only model and what is right of it may"
            fi
            ;;
        esac
    done
done
for dir in $(find src -mindepth 1 -type d); do
    case " $(echo $rooms) " in
    *" ${dir#src/} "*) ;;
    *) [ "$dir" = src/model/block ] || [ "$dir" = src/collect ] || [ "$dir" = src/files/gguf ] || [ "$dir" = src/files/peft ] ||
        fail "$dir is a room that scripts/lint.sh does not know" ;;
    esac
done

# Settings stop at the top: the rooms below take options of their own, and of config/ see the words of choices.
for file in $(grep -rlE '^#include "config/' src); do
    case $file in src/config/* | src/train/* | src/report/* | src/collect/* | src/cmd/*) continue ;; esac
    if grep -E '^#include "config/' "$file" | grep -qv '"config/choices\.h"'; then
        fail "$file includes settings: only config, train, report, collect and cmd may (config/choices.h has the words of choices)"
    fi
done

# kernels/ includes nothing from src/.
for included in $(find kernels -name '*.[ch]' -o -name '*.inc' | xargs sed -n 's/^#include "\([a-z0-9_]*\)\/.*/\1/p' | sort -u); do
    [ -d "src/$included" ] && fail "kernels/ includes src/$included/"
done

# A part of the variant asan has its sanitizers too: it would pass without them.
make -s -n V=1 VARIANT=asan B=build/none build/none/src/base/path.o | grep -q -e '-fsanitize=address,undefined' ||
    fail "make VARIANT=asan builds without the sanitizers"

# No files in a circle: what one includes does not come back to it. x.h and x.c are one.
circle=$(grep -rH '^#include "' src kernels | awk -F '[:"]' '
    function unit(file) { sub(/\.[a-z]+$/, "", file); return file }
    function is_there(file, line) { return (getline line <file) >= 0 && close(file) == 0 }
    {
        beside = $1
        sub(/[^\/]*$/, "", beside)
        file = is_there("src/" $3) ? "src/" $3 : is_there("kernels/" $3) ? "kernels/" $3 : beside $3
        if (unit($1) != unit(file))
            print unit($1), unit(file)
    }' | tsort 2>&1 >/dev/null | sed 's/^tsort: //; /contains a loop/d' || true)
[ -z "$circle" ] || fail "files in a circle:" $circle

# Each outside library has one room.
only_in() { # HEADER ROOM...
    header=$1
    shift
    for file in $(grep -rlE "^#include <$header>" src kernels || true); do
        ok=
        for place in "$@"; do
            case $file in "$place"*) ok=1 ;; esac
        done
        [ -n "$ok" ] || fail "$file includes <$header>, which belongs to $*"
    done
}
only_in 'cjson/cJSON.h' src/base/json
only_in 'histedit.h' src/cmd/line_editor
only_in 'ini.h' src/config/
only_in 'curl/curl.h' src/collect/synth/curl
only_in 'microhttpd.h' src/serve/mhd
only_in 'pcre2.h' src/text/
only_in 'utf8proc.h' src/text/
only_in 'zlib.h' src/data/source/
only_in 'cblas.h' kernels/blas/

# Headers compile alone.
for header in $(find src kernels -name '*.h'); do
    ${CC:-gcc} -std=gnu17 -fsyntax-only -Wall -Wextra -D_GNU_SOURCE -Isrc -Ikernels -fopenmp -x c "$header" ||
        fail "$header does not compile alone"
done

for file in $(find src kernels tests -name '*.[ch]' -o -name '*.inc'); do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || fail "$file has $lines lines (600 at most)"
    if LC_ALL=C grep -nE '.{121,}' "$file" >/dev/null; then
        fail "$file has a line over 120 columns"
    fi
    if LC_ALL=C grep -nE '[[:blank:]]+$' "$file" >/dev/null; then
        fail "$file has blanks at the end of a line"
    fi
done

if grep -nE -e '-Ofast|-ffast-math|-march=native' Makefile | grep -v '^[0-9]*:#'; then
    fail "Makefile: these flags change what the program computes, or where it runs"
fi

[ "$failed" -eq 0 ] && echo "lint: no objections"
exit "$failed"
