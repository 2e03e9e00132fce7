# What the documents say is what the program does.

top=$DATA/../../..

test_the_configuration_table_is_the_program_s() {
    sh "$top/scripts/update_docs.sh" --check "$SFT"
}

# A command of README, as it stands but for its comment; training of shipped configurations is cut short. What is fetched is ours here.
run_command() {
    case $1 in
    "sh scripts/get_model.sh "*) mkdir -p out/models && cp -r checkpoints/base "out/models/${1##* }" ;;
    "python3 scripts/peers/make_chat.py "*" out/chat.jsonl") mkdir -p out && cp data/train.jsonl out/chat.jsonl ;;
    "sh scripts/"*) # these are runs of their own: here only that they are there
        script=${1#sh }
        [ -f "${script%% *}" ] || die "README: no ${script%% *}"
        ;;
    "./sft serve "*) # says that it serves, and ends when it is told to
        $1 --port 0 2>log &
        pid=$!
        wait_until grep -q 'serving .* at http://' log
        kill "$pid" && finish 0
        ;;
    "./sft chat "*) eval "printf 'Hello\n/quit\n' | $1 --max-new-tokens 4" ;;
    "./sft train configs/"*) eval "$1 --set train.max_steps=2 --set data.eval=" ;;
    "./sft bench "*) eval "$1 --steps 1" ;;
    "./sft "* | "echo "*" | ./sft "* | "echo '{"*"}' >pairs.jsonl") eval "$1" ;;
    *) die "a document has a command that no test runs: $1" ;;
    esac
}

test_every_command_of_readme_runs() {
    ln -s "$SFT" sft
    ln -s "$top/checkpoints" "$top/data" "$top/scripts" .
    cp -r "$top/configs" configs
    fenced json "$top/README.md" >chat.jsonl
    fenced ini "$top/README.md" >chat.ini
    is "$(wc -l <chat.jsonl)" 5
    is "$(wc -l <chat.ini)" 7
    fenced_commands "$top/README.md" >commands
    [ "$(wc -l <commands)" -ge 15 ] || die "README's commands were not found: $(cat commands)"
    while IFS= read -r command; do
        run_command "$command" </dev/null >stdout 2>stderr || die "$command: $(cat stdout stderr)"
    done <commands
    has out/chat/last/config.json GPT2LMHeadModel
    for row in 2 5; do # what it has learnt by heart
        sed -n "${row}s/, {\"role\": \"assistant\".*/]}/p" chat.jsonl | ./sft generate out/chat --json >answered
        has answered "$(sed -n "${row}s/.*\"assistant\", \"content\": //p" chat.jsonl | sed 's/}\]}$//')"
    done
    has my-model/config.json GPT2LMHeadModel
}

test_every_command_of_dpo_runs() {
    ln -s "$SFT" sft
    ln -s "$top/checkpoints" "$top/scripts" .
    cp -r "$top/configs" configs
    mkdir out
    awk 'BEGIN { for (i = 1; i <= 60; i++) printf "{\"prompt\":\"Say %d\",\"chosen\":\"It is %d.\",\"rejected\":\"No.\"}\n", i, i }' >out/pairs.jsonl
    fenced_commands "$top/docs/dpo.md" >commands
    [ "$(wc -l <commands)" -ge 5 ] || die "the commands of docs/dpo.md were not found: $(cat commands)"
    while IFS= read -r command; do
        run_command "$command" </dev/null >stdout 2>stderr || die "$command: $(cat stdout stderr)"
    done <commands
    has out/dpo-smollm2/metrics.jsonl '"rewards/margins"'
}

test_readme_shows_what_inspect_prints() {
    ln -s "$top/checkpoints" .
    fenced json "$top/README.md" >chat.jsonl
    fenced ini "$top/README.md" >chat.ini
    expect 0 "$SFT" inspect chat.ini --row 5
    while IFS= read -r line; do
        has "$top/README.md" "$line"
    done <stdout
}

test_every_shipped_configuration_is_read() {
    count=0
    for config in "$top"/configs/*.ini; do
        case $config in
        */synth-*.ini) # a recipe: its prompts can be shown
            expect 0 "$SFT" synth "$config" --dry-run
            has stdout 'system:'
            continue ;;
        esac
        "$SFT" train "$config" --print-config >printed.ini
        grep -q '^base = .' printed.ini
        "$SFT" train printed.ini --print-config >again.ini
        cmp printed.ini again.ini
        count=$((count + 1))
    done
    [ $count -ge 1 ]
}

test_the_base_in_the_box_is_whole_and_trains() {
    expect 0 "$SFT" info "$top/checkpoints/base"
    has stdout '4.3M parameters'
    expect 0 "$SFT" train "$top/configs/quickstart.ini" --set train.output_dir=out --set train.max_steps=2 --set "data.eval="
    has stderr 'saved out/checkpoint-2'
    holds "$(field loss <out/metrics.jsonl | tail -n 1) < 7" # chance is 8.3
    [ "$(du -k "$top/checkpoints/base" | cut -f1)" -le 10240 ]
}
