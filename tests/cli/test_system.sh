# What the system may do to the program: descriptors that are closed, limits, directories that are not there.

# no_log_in_its_files: after a run in which some of them were closed.
no_log_in_its_files() {
    is "$(grep -cv '^{"step":[0-9]*,.*}$' run/metrics.jsonl)" 0
    [ ! -s run/.lock ] || die "the lock file holds: $(cat run/.lock)"
    expect 0 "$SFT" info run/last
    rm -r run
}

# Without standard input, output or error, the next file opened would get their number, and the log would go into it.
test_closed_descriptors_are_no_files_of_ours() {
    write_config
    "$SFT" train config.ini 2>&-
    no_log_in_its_files
    "$SFT" train config.ini >&- 2>&-
    no_log_in_its_files
    "$SFT" train config.ini <&- >&- 2>&-
    no_log_in_its_files
}

# A result that goes nowhere is still an error, and the message has somewhere to go.
test_results_need_a_standard_output() {
    code=0
    "$SFT" --version >&- 2>stderr || code=$?
    is $code 1
    has stderr 'error: standard output: Bad file descriptor'
}

test_a_file_over_the_limit_is_told() {
    write_config
    expect 1 sh -c 'ulimit -f 100 && exec "$SFT" train config.ini'
    has stderr 'model.safetensors: cannot write: File too large (ulimit -f sets the limit)'
    is "$(ls run)" metrics.jsonl
    expect 0 "$SFT" train config.ini
}
