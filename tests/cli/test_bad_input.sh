# What is wrong with what somebody gives: one line that names the place and the remedy, and nothing is written.

# train_error CODE MESSAGE [--set ...]: from config.ini; no output directory is made.
train_error() {
    expected=$1 told=$2
    shift 2
    expect_error "$expected" "$told" "$SFT" train config.ini "$@"
    [ ! -e run ] || die 'it made run'
}

# bad_row MESSAGE ROW: as the second row of a file.
bad_row() {
    printf '%s\n' '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}' "$2" >rows.jsonl
    train_error 1 "rows.jsonl:2: $1" --set data.train=rows.jsonl
}

# bad_config MESSAGE LINE...: of an INI of these lines, and perhaps more is wrong with it.
bad_config() {
    told=$1
    shift
    printf '%s\n' "$@" >bad.ini
    expect 2 "$SFT" train bad.ini
    is "$(head -n 1 stderr)" "error: bad.ini:$told"
}

test_words_on_the_command_line() {
    expect_error 2 "unknown command 'trian' (did you mean train? sft --help lists them)" "$SFT" trian
    expect_error 2 "unknown command 'x' (sft --help lists them)" "$SFT" x
    expect_error 2 "unknown option '--dry-rn' (did you mean --dry-run?)" "$SFT" train c.ini --dry-rn
    expect_error 2 "unknown option '-n' (usage: sft train CONFIG.ini [options])" "$SFT" train c.ini -n
    expect_error 2 "a value is missing after '--set' (usage: sft train CONFIG.ini [options])" "$SFT" train c.ini --set
    expect_error 2 "this option takes no value: '--fresh=1' (usage: sft train CONFIG.ini [options])" "$SFT" train c.ini --fresh=1
    expect_error 2 "--temperature: expected a number, found 'hot'" "$SFT" generate --model m --temperature hot
    expect_error 2 "--seed: expected a whole number, found '-1'" "$SFT" generate --model m --seed -1
    expect_error 2 '--top-p: expected a number above 0 and at most 1, found 0' "$SFT" generate --model m --top-p 0
    expect_error 2 'expected one configuration file, found 0 words (usage: sft train CONFIG.ini [options])' "$SFT" train
    expect_error 2 'expected one configuration file, found 2 words (usage: sft train CONFIG.ini [options])' "$SFT" train a b
    expect_error 2 'expected a model (usage: sft generate DIR [options] [PROMPT...])' "$SFT" generate
    expect_error 2 'expected a model and files of conversations, or --prompts (usage: sft eval DIR FILE... [options], or sft eval DIR --prompts FILE [options])' "$SFT" eval --model m
    expect_error 2 'expected one directory (usage: sft info DIR [--json])' "$SFT" info
    expect 2 "$SFT"
    has stderr 'usage: sft COMMAND'
}

test_files_that_are_not_there() {
    write_config
    expect_error 2 'nope.ini: No such file or directory' "$SFT" train nope.ini
    expect_error 2 'base: is a directory, expected a file' "$SFT" train base
    train_error 1 '--set data.train: nope.jsonl: No such file or directory' --set data.train=nope.jsonl
    train_error 1 '--set data.eval: nope.jsonl: No such file or directory' --set data.eval=nope.jsonl
    train_error 1 'base: is a directory, expected a file' --set data.train=base
    for command in generate chat eval export; do
        set -- --model nope
        [ $command != eval ] || set -- "$@" "$DATA/chat.jsonl"
        [ $command != export ] || set -- "$@" --out x
        expect_error 1 'nope: No such file or directory' "$SFT" $command "$@"
    done
    expect_error 1 'nope: No such file or directory' "$SFT" info nope
    expect_error 1 'config.ini: is a configuration; name what it trains, its output_dir: run' "$SFT" generate config.ini Hello
    mkdir there
    ln -s "$(trained_model)" there/a
    mkdir -p there/b/last there/c
    : >there/b/last/config.json
    expect_error 1 'there: no config.json, but models in it: name one, there/a, there/b' "$SFT" generate there Hello
    echo text >README.md
    expect_error 1 "README.md: is a file, expected a directory or a .gguf file (a model's directory has config.json, model.safetensors and tokenizer.json, or vocab.json and merges.txt in place of the latter)" "$SFT" info README.md
    expect_error 1 'nope: No such file or directory' "$SFT" tokenizer encode --model nope
    expect_error 1 'base: no model.safetensors' "$SFT" generate --model base hi
}

test_files_that_may_not_be_read() {
    write_config
    [ "$(id -u)" -ne 0 ] || { echo 'SKIP: root may read every file'; return 0; }
    cp "$DATA/chat.jsonl" secret.jsonl
    chmod 0 secret.jsonl
    train_error 1 'secret.jsonl: Permission denied' --set data.train=secret.jsonl
}

test_rows() {
    write_config
    bad_row "column 43: expected ',' or ']', but the text ends here" '{"messages":[{"role":"user","content":"a"}'
    bad_row "messages[0].role: unknown role 'usr' (system, user or assistant; [data] roles = NAME:user maps other names)" '{"messages":[{"role":"usr","content":"a"}]}'
    bad_row 'messages[0].content: missing' '{"messages":[{"role":"user"}]}'
    bad_row 'messages[1].content: expected a string, found a number' \
        '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":7}]}'
    bad_row 'messages[0].weight: expected 0, or a number from 1e-30 to 1e30, found 1e-40' \
        '{"messages":[{"role":"assistant","content":"a","weight":1e-40}]}'
    bad_row "column 46: not UTF-8 (byte 0xE9); a file of Windows' is made UTF-8 by iconv -f WINDOWS-1252 -t UTF-8" \
        "$(printf '{"messages":[{"role":"user","content":"un caf\351"}]}')"
    bad_row 'expected an object, found an array' '[1]'
    bad_row 'expected {"messages": [{"role", "content"}, ...]} (format messages), but it has the key foo' '{"foo":1}'
    expect 0 "$SFT" train config.ini --set data.train=rows.jsonl --set data.on_bad_row=skip --dry-run
    has stdout 'left out: 1 (bad row)'
}

test_files_without_rows() {
    write_config
    : >empty.jsonl
    train_error 1 'empty.jsonl: there is no row in it' --set data.train=empty.jsonl
    printf '\n \n' >blank.jsonl
    train_error 1 'blank.jsonl: there is no row in it' --set data.train=blank.jsonl
    echo '[]' >none.json
    train_error 1 'none.json: there is no row in it' --set data.train=none.json
    echo '{"messages":[{"role":"user","content":"a"}]}' >silent.jsonl
    train_error 1 '[data] train: no conversation is left to train on; left out: 1 (no assistant turn) (look at the files with sft inspect)' \
        --set data.train=silent.jsonl
    printf '{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"b"}]}\n' a b >short.jsonl
    train_error 1 '[data] train: no conversation is left to train on; left out: 2 (nothing left to train); the length limit is 3 tokens (look at the files with sft inspect)' \
        --set data.train=short.jsonl --set data.max_length=3
}

test_configuration() {
    bad_config '1: [modle]: unknown section (did you mean [model]?)' '[modle]'
    bad_config '2: [train] learning_rte: unknown key (did you mean learning_rate?)' '[train]' 'learning_rte = 1'
    bad_config "2: [train] learning_rate: expected a number of at least 0, found 'fast'" '[train]' 'learning_rate = fast'
    bad_config "2: [train] batch_size: expected a whole number from 1 to 1000000000, found '0'" '[train]' 'batch_size = 0'
    bad_config "2: [data] template: expected auto, im_sep, chatml, smollm2, smollm3, qwen2, qwen3, llama3, zephyr, mistral, gemma, granite, olmo2, dialogpt or custom, found 'chatmll' (did you mean chatml?)" \
        '[data]' 'template = chatmll'
    bad_config "1: ']' is missing after the section's name" '[model'
    bad_config ' [data] train: not set; it names the files to train on' '[model]' 'base = x' '[train]' 'output_dir = y'
    write_config
    train_error 2 '--set train.bach_size: unknown key (did you mean batch_size?)' --set train.bach_size=3
    train_error 2 "--set train.batch_size: expected a whole number from 1 to 1000000000, found 'x'" --set train.batch_size=x
    train_error 2 '--set foo: expected section.key=value' --set foo
}

test_output_directory() {
    write_config
    echo mine >file
    expect_error 1 '[train] output_dir: file: exists and is not a directory' "$SFT" train config.ini --set train.output_dir=file
    expect_error 1 '[train] output_dir: file/run: cannot make the directory: Not a directory' \
        "$SFT" train config.ini --set train.output_dir=file/run
    is "$(cat file)" mine
    if [ -d /proc/self ]; then # where not even root may write
        expect_error 1 '[train] output_dir: /proc/sft: cannot make the directory: No such file or directory' \
            "$SFT" train config.ini --set train.output_dir=/proc/sft
    fi
}

# ---- models ----

# fresh_model: a good model directory without training state in m/.
fresh_model() {
    rm -rf m
    cp -r "$(trained_model)/" m
    rm -r m/trainer
}

# model_error MESSAGE: of eval and of train with it as base; then the model is made anew.
model_error() {
    expect_error 1 "$1" "$SFT" eval --model m "$DATA/chat.jsonl"
    train_error 1 "$1" --set model.base=m
    fresh_model
}

test_config_json() {
    write_config
    fresh_model
    sed -i 's/"n_head": 2/"n_head": 3/' m/config.json
    model_error 'm/config.json: n_head 3 does not divide n_embd 32'
    sed -i 's/"vocab_size": 404/"vocab_size": "404"/' m/config.json
    model_error 'm/config.json: vocab_size: expected a whole number, found a string'
    sed -i 's/"vocab_size": 404/"vocab_size": 300/' m/config.json
    model_error "m: the tokenizer has ids up to 399, but config.json's vocab_size is 300 (they belong to different models, or the embedding must be resized first)"
    sed -i 's/"model_type": "gpt2"/"model_type": "bert"/' m/config.json
    expect_error_about 1 "m/config.json: model_type 'bert' is not supported" "$SFT" eval --model m "$DATA/chat.jsonl"
    fresh_model
    sed -i 's/gelu_new/mish/' m/config.json
    model_error "m/config.json: activation_function 'mish' is not supported (gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, silu and relu are)"
    sed -i '$d' m/config.json
    model_error "m/config.json: line $(wc -l <"$(trained_model)/config.json"), column 1: expected ',' or '}', but the text ends here"
    rm m/config.json
    model_error "m: no config.json (a model's directory has config.json, model.safetensors and tokenizer.json, or vocab.json and merges.txt in place of the latter)"
}

test_tokenizer_files() {
    write_config
    fresh_model
    rm m/tokenizer.json m/vocab.json
    model_error 'm: no tokenizer: neither tokenizer.json nor vocab.json and merges.txt'
    sed -i '300,$d' m/tokenizer.json
    model_error 'm/tokenizer.json: line 300, column 1: expected a key in double quotes, but the text ends here'
    rm m/tokenizer.json
    sed -i '20s/.*/abc/' m/merges.txt
    model_error "m/merges.txt:20: expected two tokens with a blank between them, not 'abc'"
}

# The larger fixture has 400 ids of its own, five added tokens and a chat template that sft does not know.
test_tokenizer_of_another_model() {
    write_config
    cp "$GOLDEN"/tiny_tokenizer/tokenizer*.json base/
    sed -i 's/"vocab_size": 401/"vocab_size": 399/' base/config.json
    train_error 1 "base: the tokenizer has ids up to 399, but config.json's vocab_size is 399 (they belong to different models, or the embedding must be resized first)"
    sed -i 's/"vocab_size": 399/"vocab_size": 405/' base/config.json
    expect_error_about 2 "template = auto: the base's own chat template closes an assistant's turn with no control token" "$SFT" train config.ini
    expect 0 "$SFT" train config.ini --set data.template=im_sep
}

# weights_error MESSAGE: train reads the weights last, after it has told its plan, and writes nothing then.
weights_error() {
    expect_error 1 "m$1" "$SFT" eval --model m "$DATA/chat.jsonl"
    expect 1 "$SFT" train config.ini --set model.base=m
    is "$(grep '^error: ' stderr)" "error: m$1"
    is "$(ls run)" ''
    fresh_model
}

# header SED-COMMAND: changes the header of the weights, which keeps its length.
header() {
    LC_ALL=C sed -i "$1" m/model.safetensors
}

# first_bytes N: only they are left of the weights.
first_bytes() {
    truncate -s "$1" m/model.safetensors
}

test_safetensors_headers() {
    write_config
    fresh_model
    file=/model.safetensors:
    header 's/"F32"/"I32"/'
    weights_error "$file tensor 'transformer.wte.weight' is I32; F32, F16, BF16 and F64 are read here"
    header 's/"F32"/"F99"/'
    weights_error "$file tensor 'transformer.wte.weight': unknown dtype 'F99'"
    header 's/\[404,32\]/[32,404]/'
    weights_error "$file tensor 'transformer.wte.weight' is (32, 404), but config.json makes it (404, 32)"
    header 's/\[404,32\]/[404,31]/'
    weights_error "$file tensor 'transformer.wte.weight': 51712 bytes of data do not make 12524 elements of F32"
    header 's/"shape":\[32\]/"shape":[-1]/'
    weights_error "$file tensor 'transformer.ln_f.weight': shape[0] is not a size"
    header 's/wte/wxe/'
    weights_error "$file tensors of an unknown place: transformer.wxe.weight (no GPT2LMHeadModel has them: this is another architecture than config.json says)"
    header 's/\[68096,68224\]/[68000,68128]/'
    weights_error "$file tensor 'transformer.ln_f.weight' overlaps tensor 'transformer.wpe.weight'"
    header 's/\[68096,68224\]/[68224,68352]/'
    weights_error "$file 128 bytes before tensor 'transformer.ln_f.weight' belong to no tensor"
    header 's/\[68096,68224\]/[68224,68096]/'
    weights_error "$file tensor 'transformer.ln_f.weight': data_offsets end at 68096 before they begin at 68224"
    header 's/,"transformer.wpe/x"transformer.wpe/'
    weights_error "$file header: column 115: expected ',' or '}', found 'x'"
}

test_safetensors_sizes() {
    write_config
    fresh_model
    file=/model.safetensors:
    printf '\376\377\377\377\377\377\377\177' | dd of=m/model.safetensors conv=notrunc 2>dd.log
    weights_error "$file a header of 9223372036854775806 bytes (at most 100000000): this is no safetensors file"
    first_bytes 100000
    weights_error "$file tensor 'transformer.h.0.mlp.c_fc.weight': data_offsets end at 102144, past the 97376 bytes of data (is the file cut short?)"
    first_bytes 500
    weights_error "$file a header of 2616 bytes in a file of 500 (is it cut short?)"
    first_bytes 5
    weights_error "$file 5 bytes are too few for a safetensors file"
    first_bytes 0
    weights_error "$file 0 bytes are too few for a safetensors file"
    echo x >>m/model.safetensors
    weights_error "$file 2 bytes at the end belong to no tensor"
    rm m/model.safetensors
    weights_error ': no model.safetensors'
    rm m/model.safetensors
    mkdir m/model.safetensors
    expect_error 1 "m$file is a directory, expected a file" "$SFT" eval --model m "$DATA/chat.jsonl"
}

# Weights that were never downloaded are named before anything is computed, in --dry-run too.
test_weights_that_are_something_else() {
    write_config
    fresh_model
    rm m/model.safetensors
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 548105171\n' >m/model.safetensors
    pointer='is a Git LFS pointer, not the file itself (fetch that with git lfs pull)'
    for command in eval generate; do
        expect_error 1 "m/model.safetensors: $pointer" "$SFT" $command m "$DATA/chat.jsonl"
    done
    train_error 1 "m/model.safetensors: $pointer" --set model.base=m --dry-run
    expect 1 "$SFT" info m
    has stdout "problem    m/model.safetensors: $pointer"
    rm m/model.safetensors
    mkfifo m/model.safetensors
    expect_error 1 'm/model.safetensors: is a named pipe, expected a file' "$SFT" eval m "$DATA/chat.jsonl"
    expect 1 "$SFT" info m
}

# base is a directory, or a config.json: a file of the model beside it is neither.
test_base_is_another_file() {
    model=$(trained_model)
    write_config
    train_error 1 "$model/model.safetensors: is a file of a model; name its directory, $model" \
        --set "model.base=$model/model.safetensors"
}
