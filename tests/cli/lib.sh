# Helpers of the command line's tests; see run.sh. A test has the variables
#   SFT     the program            DATA    tests/cli/data
#   GOLDEN  tests/golden           SHARED  a directory that all tests share (made_once)
# and runs beside others: it counts on no time, no port, and no file but its own.

die() {
    echo "$*"
    exit 1
}

# expect CODE COMMAND...: the exit code must be CODE; stdout goes to the file `stdout`, stderr to `stderr`.
expect() {
    wanted=$1 code=0
    shift
    "$@" >stdout 2>stderr || code=$?
    [ "$code" -eq "$wanted" ] && return
    echo "exit code $code, expected $wanted: $*"
    tail -n 20 stdout stderr
    exit 1
}

# expect_error CODE MESSAGE COMMAND...: stdout empty, stderr the one line "error: MESSAGE", nothing else.
expect_error() {
    message=$2
    expected_code=$1
    shift 2
    expect "$expected_code" "$@"
    printf 'error: %s\n' "$message" | diff - stderr || die "stderr of: $*"
    [ ! -s stdout ] || die "stdout is not empty: $*"
}

# expect_error_about CODE TEXT COMMAND...: the same, but the message only holds the text: a message is pinned whole in one test.
expect_error_about() {
    text=$2
    expected_code=$1
    shift 2
    expect "$expected_code" "$@"
    is "$(grep -c '^error: ' stderr) of $(grep -c . stderr)" '1 of 1'
    has stderr "$text"
    [ ! -s stdout ] || die "stdout is not empty: $*"
}

# has FILE TEXT: the file holds the text.
has() {
    grep -qF -e "$2" "$1" || { echo "not in $1: $2"; cat "$1"; exit 1; }
}

has_not() {
    ! grep -F -e "$2" "$1" || die "should not be in $1: $2"
}

same() {
    cmp "$1" "$2" || die "$1 and $2 differ"
}

# is TEXT EXPECTED
is() {
    [ "$1" = "$2" ] || die "found '$1', expected '$2'"
}

# field NAME: the values of "NAME" in JSON lines on stdin, one a line (numbers and words, no nesting).
field() {
    sed -n "s/.*\"$1\":\"\{0,1\}\([^,}\"]*\).*/\1/p"
}

# holds AWK-EXPRESSION: it is true.
holds() {
    awk "BEGIN { exit !($1) }" || die "does not hold: $1"
}

# tiny_base DIR [WIDTH]: config.json of a GPT-2 of two layers, and a tokenizer of 401 ids.
tiny_base() {
    mkdir -p "$1"
    cp "$GOLDEN"/tiny_tokenizer/two_files/* "$1"
    cat >"$1/config.json" <<END
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 2, "n_head": 2, "n_embd": ${2:-32},
 "n_positions": 128, "vocab_size": 401, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05,
 "bos_token_id": 400, "eos_token_id": 400, "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}
END
}

# write_config [WIDTH]: config.ini for two epochs of three steps from random weights, in base/.
write_config() {
    tiny_base base "${1:-32}"
    cat >config.ini <<END
[model]
base = base/config.json
[data]
train = $DATA/chat.jsonl
[train]
output_dir = run
num_train_epochs = 2
batch_size = 4
learning_rate = 1e-3
precision = fp32
END
}

# made_once NAME FUNCTION: $SHARED/NAME, a directory in which the function has left what several tests need. Who comes first makes it, as a test runs
# (sh -e, in that directory, under a name of its own until it is whole), the others wait; where it failed, all of them fail with what it said.
made_once() {
    [ -d "$SHARED/$1" ] || flock "$SHARED/$1.lock" sh "$DATA/../run.sh" --make "$1" "$2"
    [ -d "$SHARED/$1" ] && return
    echo "$1 cannot be made: $(cat "$SHARED/$1.failed")" >&2
    exit 1
}

# trained_model: the path of a model that has learnt the twelve conversations of chat.jsonl by heart.
trained_model() {
    made_once trained make_trained_model
    echo "$SHARED/trained/run/last"
}
make_trained_model() {
    write_config
    "$SFT" train config.ini --set train.max_steps=300 --set train.batch_size=12 --set train.learning_rate=1e-2 \
        --set train.save_steps=1000 --set train.logging_steps=50
}

# same_run DIR DIR: weights, moments, best checkpoint and metrics are the same, but for times and memory.
same_run() {
    same "$1/last/model.safetensors" "$2/last/model.safetensors"
    same "$1/last/trainer/optimizer.safetensors" "$2/last/trainer/optimizer.safetensors"
    for dir in "$1" "$2"; do
        sed 's/,"tokens_per_second".*//' "$dir/metrics.jsonl" >"$dir.metrics"
    done
    diff "$1.metrics" "$2.metrics" || die "the metrics of $1 and $2 differ"
    is "$(readlink "$2/best")" "$(readlink "$1/best")"
}

# wait_until COMMAND...: try again every few hundredths of a second, for two minutes at most.
wait_until() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 4000 ] || die "waited in vain for: $*"
        sleep 0.03
    done
}

# A program in the background is $pid; it does not outlive its test.
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :' EXIT

# has_terminals: whether script (util-linux) can make a terminal here; where it cannot, that is said.
has_terminals() {
    script -qec true /dev/null >/dev/null 2>&1 || { echo 'SKIP: no script (util-linux) to make a terminal'; return 1; }
}

# finish CODE: wait for the program in the background, whose exit code must be CODE.
finish() {
    code=0
    wait "$pid" || code=$?
    pid=
    [ "$code" -eq "$1" ] || die "exit code $code, expected $1: $(cat log)"
}

# start_server ARGUMENT...: sft serve in the background, on a free port unless --port is given: $pid, $url; what it says is in the file `log`.
start_server() {
    : >log # not the last server's, if there was one
    "$SFT" serve --port 0 "$@" 2>log &
    pid=$!
    wait_until server_is_ready
    url=$(sed -n 's/^serving .* at //p' log)
}
server_is_ready() {
    grep -q '^serving ' log || { kill -0 "$pid" || die "it has ended: $(cat log)"; false; }
}
stop_server() {
    kill "$pid"
    finish 0
}

# flip_byte FILE OFFSET: invert one byte's bits.
flip_byte() {
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %o $((255 - byte)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>dd.log
}

# fenced LANGUAGE DOCUMENT: the document's blocks in that language, one after another.
fenced() {
    awk -v open="\`\`\`$1" '$0 == open { on = 1; next } /^```/ { on = 0 } on' "$2"
}

# fenced_commands DOCUMENT: the commands in it, a line each, without what is said of them.
fenced_commands() {
    fenced sh "$1" | sed 's/  *# .*//; /^ *#/d; /^$/d'
}
