# Configuration and command line: everything that is wrong at once, values that keep all of their text, ~, help.

top=$DATA/../../..

# errors: how many stderr has.
errors() {
    grep -c '^error: ' stderr || :
}

test_all_that_is_wrong_is_told_at_once() {
    write_config
    printf '%s\n' 'epochs = 2' 'warmup_ratio = 0.1' 'batch_size = many' '[data]' 'max_seq_length = 64' >>config.ini
    expect 2 "$SFT" train config.ini --set train.bf16=true --set data.train=nope.jsonl
    has stderr 'error: config.ini:11: [train] epochs: unknown key; here it is num_train_epochs = 2'
    has stderr 'error: config.ini:12: [train] warmup_ratio: unknown key; here it is warmup_steps = 0.1 (below 1: a share of all steps)'
    has stderr 'error: config.ini:13: [train] batch_size: already set in line 8'
    has stderr 'error: config.ini:15: [data] max_seq_length: unknown key; here it is max_length = 64'
    has stderr 'error: --set train.bf16: unknown key; here it is precision = bf16'
    has stderr 'error: --set data.train: nope.jsonl: No such file or directory'
    is "$(errors)" 6
    [ ! -s stdout ] || die 'something on stdout'
    [ ! -e run ] || die 'it made run'
}

test_the_rest_of_very_many_errors_is_counted() {
    yes nonsense | head -n 50 >bad.ini
    expect 2 "$SFT" train bad.ini
    is "$(errors)" 21
    is "$(tail -n 1 stderr)" 'error: and 33 more in the configuration'
}

# A system prompt is trained into every conversation: all of it, or nothing is trained.
test_a_text_is_whole_or_refused() {
    write_config
    echo '{"prompt":"ab","completion":"cd"}' >one.jsonl
    prompt='Answer in one line ; use # for headings'
    printf '[data]\nsystem = %s\n' "$prompt" >>config.ini
    expect_error 2 "config.ini:12: [data] system: '; use # for headings': text or comment? (put the text in double quotes to keep all of it; a comment goes behind the closing quote, or has a line of its own)" \
        "$SFT" inspect config.ini --set data.train=one.jsonl
    sed -i "s/^system = .*/system = \"$prompt\" ; of all of them/" config.ini
    expect 0 "$SFT" inspect config.ini --set data.train=one.jsonl
    has stdout "<|im_start|>system<|im_sep|>$prompt<|im_end|>"
    expect 0 "$SFT" inspect --base base one.jsonl --set "data.system=$prompt"
    has stdout "<|im_start|>system<|im_sep|>$prompt<|im_end|>"
}

test_files_behind_a_semicolon_are_not_lost() {
    write_config
    echo '{"prompt":"ab","completion":"cd"}' >a.jsonl
    cp a.jsonl b.jsonl
    sed -i 's/^train = .*/train = a.jsonl ; b.jsonl/' config.ini
    expect 2 "$SFT" train config.ini --dry-run
    has stderr "error: config.ini:4: [data] train: '; b.jsonl' would be a comment"
    sed -i 's/^train = .*/train = a.jsonl b.jsonl ; both/' config.ini
    expect 0 "$SFT" train config.ini --dry-run
    has stdout 'train  b.jsonl '
}

test_home() {
    write_config
    mkdir home
    mv base home/base
    cp "$DATA/chat.jsonl" home/
    sed -i 's|^base = .*|base = ~/base/config.json|; s|^train = .*|train = ~/chat.jsonl*2|; s|^output_dir = .*|output_dir = ~/run|' config.ini
    HOME=$PWD/home expect 0 "$SFT" train config.ini --set train.max_steps=1
    [ -d home/run/last ] || die 'no ~/run/last'
    HOME=$PWD/home expect 0 "$SFT" train config.ini --set train.max_steps=1 --set 'train.output_dir=~/again'
    [ -d home/again/last ] || die 'no ~/again/last'
    HOME=$PWD/home expect 0 "$SFT" export '--model=~/run/last' '--out=~/out'
    [ -f home/out/config.json ] || die 'no ~/out'
    expect_error 2 '--out: ~nobody/x: only ~ and ~/ are understood (write another user'\''s home in full, or ./~nobody/x for a file of that name)' \
        "$SFT" export --model home/out --out=~nobody/x
    [ ! -e '~' ] || die 'it made a directory named ~'
}

test_a_base_that_is_not_there() {
    write_config
    expect 1 "$SFT" train config.ini --set model.base=nowhere
    is "$(cat stderr)" "error: --set model.base: nowhere: No such file or directory (base is the directory of a Hugging Face model on this machine: config.json, model.safetensors, tokenizer.json; a file in GGUF; or the name, ORG/NAME, of a model in the Hugging Face cache, $HF_HOME/hub)"
    sed -i 's|^base = .*|base = models/gpt2-medium|' config.ini
    expect 1 "$SFT" train config.ini
    has stderr "error: config.ini:2: [model] base: models/gpt2-medium: No such file or directory"
    has stderr "'hf download openai-community/gpt2-medium config.json model.safetensors tokenizer.json --local-dir models/gpt2-medium'"
    expect 1 "$SFT" train config.ini --set model.base=out/models/smollm2
    has stderr "'sh scripts/get_model.sh smollm2' makes out/models/smollm2"
    sed -i 's|^base = .*|base = someone/small-model|' config.ini
    expect 1 "$SFT" train config.ini
    has stderr "if someone/small-model is on the Hugging Face hub, 'hf download someone/small-model' fetches it into the cache"
    expect 1 "$SFT" inspect --base nowhere rows.jsonl
    has stderr 'error: nowhere: No such file or directory (base is'
    has stderr 'error: rows.jsonl: No such file or directory'
    expect 1 "$SFT" train config.ini --set model.base=bas
    has stderr '(did you mean base? base is'
}

test_data_that_are_not_there() {
    write_config
    cp "$DATA/chat.jsonl" train.jsonl
    expect_error 1 '--set data.train: trian.jsonl: No such file or directory (did you mean train.jsonl?)' \
        "$SFT" train config.ini --set data.train=trian.jsonl
    expect_error 1 '--set data.train: dta/train.jsonl: No such file or directory (there is no directory dta)' \
        "$SFT" train config.ini --set data.train=dta/train.jsonl
    expect_error 2 '--set data.train: *.jsonl: patterns are not expanded here: name each file' \
        "$SFT" train config.ini --set 'data.train=*.jsonl'
    # shellcheck disable=SC2016
    expect_error 1 '--set data.train: $HOME/a.jsonl: No such file or directory (variables such as $HOME are not replaced in a configuration; ~/ is)' \
        "$SFT" train config.ini --set 'data.train=$HOME/a.jsonl'
    mkdir sub
    sed 's|^base = .*|base = ../base/config.json|; s|^train = .*|train = train.jsonl|' config.ini >sub/config.ini
    expect_error 1 'sub/config.ini:4: [data] train: sub/train.jsonl: No such file or directory (paths in a configuration are relative to its directory, not to yours, where there is train.jsonl)' \
        "$SFT" train sub/config.ini
}

test_a_configuration_that_is_no_ini() {
    printf 'base_model: gpt2\ndatasets:\n  - path: a.jsonl\n' >config.yaml
    expect 2 "$SFT" train config.yaml
    is "$(head -n 1 stderr)" 'error: config.yaml: this looks like YAML, and a configuration is INI: [section] lines and key = value (configs/ has some)'
    printf '{"model": {}}\n' >config.json
    expect 2 "$SFT" train config.json
    is "$(head -n 1 stderr)" 'error: config.json: this is JSON, and a configuration is INI: [section] lines and key = value (configs/ has some)'
    is "$(errors)" 1
}

test_help_in_all_its_forms() {
    expect 0 "$SFT" train --help
    mv stdout wanted
    for words in 'help train' '--help train' 'train help' 'train -h'; do
        # shellcheck disable=SC2086
        expect 0 "$SFT" $words
        same stdout wanted
    done
    expect 0 "$SFT" tokenizer train --help
    mv stdout wanted
    for word in help version; do # they are commands to whoever types them
        expect 0 "$SFT" help $word
        has stdout 'usage: sft COMMAND'
    done
    expect 0 "$SFT" help tokenizer train
    same stdout wanted
    expect 0 "$SFT" --help
    mv stdout wanted
    expect 0 "$SFT" help
    same stdout wanted
    expect 0 "$SFT" --version
    mv stdout wanted
    expect 0 "$SFT" version
    same stdout wanted
    expect_error 2 "unknown command 'trian' (did you mean train? sft --help lists them)" "$SFT" help trian
}

test_help_fits_eighty_columns() {
    for command in train inspect generate chat eval bench export info tokenizer; do
        "$SFT" help $command
    done >all
    "$SFT" help tokenizer train >>all
    "$SFT" train --keys >>all
    "$SFT" --help >>all
    is "$(awk 'length($0) > 80' all)" ''
    is "$(grep -c ' $' all)" 0
}

test_options_that_are_nearly_right() {
    hint() { # HINT WORD
        expect_error 2 "unknown option '$2' (did you mean $1?)" "$SFT" train c.ini "$2"
    }
    hint --dry-run -dry-run
    hint --dry-run --dry_run
    hint --print-config --print_conf
    hint '--set train.learning_rate=1e-4' --learning_rate=1e-4
    hint '--set train.learning_rate=...' --learning-rate
    hint '--set train.num_train_epochs=...' --epochs
    hint '--set train.batch_size=...' --per_device_train_batch_size
    expect_error 2 "unknown option '-max_new_tokens' (did you mean --max-new-tokens?)" "$SFT" generate -max_new_tokens 5
    expect_error 2 "--set train.seed: expected section.key=value" "$SFT" train "$top/configs/quickstart.ini" --set train.seed
}

# bench trains from the base, whatever stands in a directory named bench.
test_bench_looks_for_no_checkpoint() {
    write_config
    expect 0 "$SFT" train config.ini --set train.output_dir=bench --set train.max_steps=1
    cp -r bench before
    expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 1 --precision fp32
    [ ! -s stderr ] || die "$(cat stderr)"
    diff -r before bench
}

# The scripts that act at once say what they do when they are asked, and refuse what they don't know; nothing is installed or built.
test_scripts_explain_themselves() {
    mkdir bin
    for program in apt-get dpkg-query sudo make python3; do
        printf '#!/bin/sh\necho "$0 $*" >>%s/called\n' "$PWD" >bin/$program
        chmod +x bin/$program
    done
    for script in before_after install quickstart test golden lint make_base update_docs config_table bench_peers bench_growth refusal_frontier \
        refusals_smollm2; do
        PATH=$PWD/bin:$PATH expect 0 sh "$top/scripts/$script.sh" --help
        has stdout "scripts/$script.sh"
        PATH=$PWD/bin:$PATH expect 2 sh "$top/scripts/$script.sh" --nonsense
    done
    [ ! -e called ] || die "called: $(cat called)"
}

# Every configuration in configs/ whose base is there makes a plan; that of refusals.ini is a chat model, any one does.
test_every_shipped_configuration_has_a_plan() {
    chat=$(trained_model)
    for config in "$top"/configs/*.ini; do
        case $config in */synth-*.ini) continue ;; esac # recipes: docs.every_shipped_configuration_is_read
        set -- "$SFT" train "$config" --dry-run --set train.output_dir=out
        case $config in
        */refusals.ini) set -- "$@" --set "model.base=$chat" --set eval.prompts= ;; # which are longer than this model sees
        */dpo-*.ini | */*-dpo.ini)
            for i in $(seq 60); do echo '{"prompt": "Hi '"$i"'", "chosen": "Hello.", "rejected": "No."}'; done >pairs.jsonl
            set -- "$@" --set "model.base=$chat" --set data.train=pairs.jsonl ;;
        */refusals-smollm2*.ini) set -- "$@" --set "model.base=$chat" --set "data.train=$top/data/contrast.jsonl" ;; # made by a script
        */chat-*.ini | */lora-*.ini) set -- "$@" --set "model.base=$chat" ;; # in place of what people fetch
        */pretrain.ini)
            [ -d "$top/out/pretrain" ] || { echo 'SKIP: pretrain.ini: out/pretrain is not there' && continue; } ;;
        esac
        expect 0 "$@"
        has stdout ' steps of '
    done
}
