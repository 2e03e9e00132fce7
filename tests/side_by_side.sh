# Sourced by the runners of tests: many small runs, several at once, whose output does not mix. JOBS says how many:
# without it one more than there are cores, since tests also wait, for a client, a terminal, a signal.

JOBS=${JOBS:-$(($(nproc 2>/dev/null || echo 2) + 1))}
group=

# scratch_directory PREFIX: $SCRATCH, which goes when the runner ends, and with it whatever it has started.
scratch_directory() {
    SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX") || exit 1
    export SCRATCH
    trap 'end_group; rm -rf "$SCRATCH"' EXIT
    trap 'exit 130' INT TERM HUP
}

end_group() {
    [ -z "$group" ] || kill -s KILL -- "-$group" 2>/dev/null || :
}

# side_by_side LIST COMMAND...: run the command for each line of the file, the line as its last argument. They are a
# group of processes of their own, which a terminal's Ctrl-C does not reach (the runner ends it), and heed the signals
# that a shell has its background ignore.
side_by_side() {
    list=$1
    shift
    setsid env --default-signal=INT,QUIT xargs -n 1 -P "$JOBS" "$@" <"$list" &
    group=$!
    wait "$group" || :
    end_group # what a test that failed has left running
    group=
}

# print_whole FILE: nobody else prints in the middle of it.
print_whole() {
    flock "$SCRATCH/printing" cat "$1"
}

# milliseconds, of a clock that only differences are taken of
milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}

# print_slowest DIRECTORY: the ten slowest of what has left there a file of its name with a line "MILLISECONDS NAME".
print_slowest() {
    [ "$(find "$1" -type f | wc -l)" -gt 10 ] || return 0
    echo 'slowest:'
    cat "$1"/* | sort -rn | head -n 10 | awk '{ printf "%7.1f s  %s\n", $1 / 1000, $2 }'
}
