# docs/tutorial.md, from its first command to its last. The model that it fetches is checkpoints/base here, and the labeller a test program
# (tests/support/fake_endpoint.c), whose rows are reviewed by requests that the page would send.

top=$DATA/../../..
endpoint=
trap 'for p in $pid $endpoint; do kill -9 "$p" 2>/dev/null || :; done' EXIT

start_labeller() {
    "$(dirname "$SFT")/tests/fake_endpoint" >endpoint.out 2>&1 &
    endpoint=$!
    wait_until grep -q '^listening at ' endpoint.out
    url=$(sed -n 's/^listening at //p' endpoint.out)
}

# review COMMAND: the first three rows are accepted, rejected, accepted.
review() {
    $1 2>log &
    pid=$!
    wait_until grep -q '^reviewing ' log
    address=$(sed -n 's|^reviewing .* at \(http://[^/]*\)/.*|\1|p' log)
    row=1
    for decision in accept reject accept; do
        curl -sS --fail -H "X-Review-Token: $(sed -n 's/^reviewing .*?token=//p' log)" -H 'Content-Type: application/json' \
            --data "{\"row\":$row,\"seq\":0,\"decision\":\"$decision\"}" "$address/api/decide" >answer
        row=$((row + 1))
    done
    kill "$pid" && finish 0
    has answer '"counts":{"accept":2,"edit":0,"reject":1'
}

# serve COMMAND: says that it serves, and ends when it is told to.
serve() {
    $1 --port 0 2>log &
    pid=$!
    wait_until grep -q 'serving .* at http://' log
    kill "$pid" && finish 0
}

# A command as it stands, but for what takes long.
run_command() {
    case $1 in
    "sh scripts/get_model.sh smollm2") mkdir -p out/models && cp -r checkpoints/base out/models/smollm2 ;;
    "./sft serve "*) serve "$1" ;;
    "./sft synth "*" --out "*) $1 --set "endpoint.url=$url" --set recipe.count=24 ;;
    "./sft review "*" --name "*) review "$1" ;;
    "./sft chat "*) eval "printf 'Hello\n/quit\n' | $1 --max-new-tokens 4" ;;
    "./sft eval "*" --prompts "*) eval "$1 --max-new-tokens 4" ;;
    "./sft "*) eval "$1" ;;
    *) die "the tutorial has a command that no test runs: $1" ;;
    esac
}

test_every_command_of_the_tutorial_runs() {
    tutorial=$top/docs/tutorial.md
    ln -s "$SFT" sft
    ln -s "$top/checkpoints" "$top/scripts" "$top/configs" .
    mkdir data
    cp "$top"/data/wrenlight* data
    head -n 4 "$top/data/prompts.csv" >data/prompts.csv
    fenced json "$tutorial" >lamp.jsonl
    fenced ini "$tutorial" >lamp.ini
    fenced_commands "$tutorial" >commands
    is "$(wc -l <lamp.jsonl) $(wc -l <lamp.ini)" '8 9'
    [ "$(wc -l <commands)" -ge 13 ] || die "the commands were not found: $(cat commands)"
    start_labeller
    while IFS= read -r command; do
        run_command "$command" </dev/null >stdout 2>stderr || die "$command: $(cat stdout stderr)"
        case $command in
        *"--export "*) has stdout 'accepted         2' ;;
        *"inspect "*) has stdout "[[I can't help with legal advice." ;;
        esac
    done <commands
    is "$(wc -l <out/lamp-kept.jsonl)" 2
    has out/lamp/last/config.json GPT2LMHeadModel
    [ -s out/lamp-gguf/lamp.gguf ] && [ -s out/lamp-gguf/Modelfile ] || die "no export: $(ls out/lamp-gguf)"
}

# What is shown of the data is what the program shows, with the model that the tutorial is about: by its format alone.
test_the_tutorial_shows_its_rows() {
    tutorial=$top/docs/tutorial.md
    fenced json "$tutorial" >lamp.jsonl
    ln -s "$top/checkpoints" .
    expect 0 "$SFT" inspect --base checkpoints/base --set data.template=chatml lamp.jsonl --row 6
    sed -n '2,$p' stdout | grep -v '^$' >shown
    [ "$(wc -l <shown)" -eq 6 ] || die "$(cat stdout)"
    while IFS= read -r line; do
        has "$tutorial" "$line"
    done <shown
}
