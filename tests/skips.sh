# Sourced by the runners of tests, at the top of the source tree. A test leaves a part out with a line "SKIP: why"; under CI (CI is set) one that
# the list in tests/skips does not expect on this machine is a failure.

# expect_skips LIST PATTERNS: the patterns of the list whose conditions hold, for unexpected_skips.
expect_skips() {
    tab=$(printf '\t')
    grep -v '^#' "$1" | while IFS="$tab" read -r condition pattern; do
        if (eval "$condition") >/dev/null 2>&1 </dev/null; then
            printf '^SKIP: (%s)$\n' "$pattern"
        fi
    done >"$2"
}

# unexpected_skips PATTERNS OUTPUT: the lines of a test's output that are skips which CI does not expect; true where there are some.
unexpected_skips() {
    [ -n "${CI:-}" ] || return 1
    grep '^SKIP:' "$2" | grep -vE -f "$1" | sed 's/^SKIP:/not expected in CI (tests\/skips):/' | grep .
}
