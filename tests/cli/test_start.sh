# How the program starts: what it may run on, and what it does without. (kernels/start.c, kernels/blas/openblas.c)

# run.sh says how threads wait, for its own speed: then nothing has to be started again.
unset OMP_WAIT_POLICY GOMP_SPINCOUNT

# bench_threads [VARIABLE=VALUE]: of a run so started.
bench_threads() {
    expect 0 env "$@" "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 1 --precision fp32 --json
    field threads <stdout
}

# A first thread that OpenMP has bound to a core must not bind the program that starts again.
test_threads_bound_to_cores_are_as_many_as_others() {
    tiny_base base
    bench_threads A=b >free
    for binding in OMP_PROC_BIND=true OMP_PROC_BIND=spread OMP_PLACES=cores GOMP_CPU_AFFINITY=0-1023; do
        bench_threads $binding >bound
        same free bound
    done
    [ "$(cat free)" -gt 1 ] || echo 'SKIP: one core binds nothing'
}

test_started_by_the_dynamic_linker() {
    for linker in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
        [ -x $linker ] || continue
        expect 0 $linker "$(realpath "$SFT")" --version
        has stdout 'sft '
    done
}

# Sanitizers take terabytes of addresses, and do not run under valgrind.
plain_build() {
    (ulimit -v 3000000 && "$SFT" --version >/dev/null 2>&1) || { echo 'SKIP: a build with sanitizers'; return 1; }
}

# It would leave valgrind behind if it started again: no summary.
test_valgrind_is_kept() {
    plain_build || return 0
    command -v valgrind >valgrind || { echo 'SKIP: valgrind is not installed'; return 0; }
    expect 0 valgrind --trace-children=no "$SFT" --version
    has stderr 'ERROR SUMMARY: 0 errors'
}

# OpenBLAS would try for ever to map its buffers.
test_too_few_addresses_for_openblas() {
    plain_build || return 0
    tiny_base base
    for megabytes in 60 100 200 400; do
        code=0
        (ulimit -v $((megabytes * 1024)) && SFT_ISA=ref OMP_NUM_THREADS=2 timeout 60 "$SFT" bench --base base/config.json \
            --data "$DATA/chat.jsonl" --steps 1 2>stderr >stdout) || code=$?
        is $code 2
        has stderr 'error: [train] precision: OpenBLAS needs 704 MB of address space for 2 threads, more than the limit of'
        is "$(wc -l <stderr)" 1
    done
}

# Where its products are not wanted, neither are its 700 MB of addresses.
test_other_tables_do_not_load_openblas() {
    plain_build || return 0
    tiny_base base
    expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 1 --json
    [ "$(field isa <stdout)" != ref ] || { echo 'SKIP: this CPU has no other table'; return 0; }
    (ulimit -v 300000 && OMP_NUM_THREADS=2 expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 1)
}
