# A model by its name on the hub, from a Hugging Face cache made by hand.

# in_cache COMMIT DIR: a snapshot of acme/tiny with the files of a model's directory; main is it now.
in_cache() {
    repository=hf/hub/models--acme--tiny
    mkdir -p $repository/refs $repository/blobs "$repository/snapshots/$1"
    printf %s "$1" >$repository/refs/main
    for file in "$2"/*; do
        [ -f "$file" ] || continue
        blob=$(sha256sum "$file" | cut -d ' ' -f 1)
        cp "$file" "$repository/blobs/$blob"
        ln -s "../../blobs/$blob" "$repository/snapshots/$1/${file##*/}"
    done
    export HF_HOME="$PWD/hf"
}

# Two commits, of which the second has other weights.
OLD=1111111111111111111111111111111111111111 NEW=2222222222222222222222222222222222222222
old_in_cache() {
    expect 0 "$SFT" export "$(trained_model)" --out model
    in_cache $OLD model
}
new_in_cache() {
    cp -r model changed
    flip_byte changed/model.safetensors 9999
    in_cache $NEW changed
}

test_every_command_takes_a_name() {
    old_in_cache
    printf '{"messages":[{"role":"user","content":"Hi"}]}\n' >row
    expect 0 "$SFT" info acme/tiny
    has stdout "           acme/tiny@$OLD"
    expect 0 "$SFT" info --json acme/tiny
    has stdout "\"model\":\"acme/tiny@$OLD\""
    "$SFT" generate --model model --json <row >by_path
    "$SFT" generate --model acme/tiny --json <row >by_name 2>stderr
    same by_path by_name
    has stderr "model  acme/tiny@$OLD"
    "$SFT" generate --raw acme/tiny@$OLD <row >/dev/null
    expect 0 "$SFT" eval acme/tiny "$DATA/eval.jsonl"
    expect 0 "$SFT" export acme/tiny --out exported
    same exported/model.safetensors model/model.safetensors
    expect 0 "$SFT" inspect --base acme/tiny "$DATA/chat.jsonl" --report
    has stdout "model  acme/tiny@$OLD"
    [ "$(echo Hi | "$SFT" tokenizer encode --model acme/tiny)" = "$(echo Hi | "$SFT" tokenizer encode --model model)" ]
    echo Hi | "$SFT" chat acme/tiny >stdout
    expect 0 "$SFT" bench --base acme/tiny --data "$DATA/chat.jsonl" --steps 1
}

test_a_name_in_a_configuration_is_no_path() {
    old_in_cache
    mkdir configs
    write_config
    sed 's,^base = .*,base = acme/tiny,; s,^output_dir = .*,output_dir = ../run,' config.ini >configs/config.ini
    expect 0 "$SFT" train configs/config.ini --set train.max_steps=1
    has stderr "model  acme/tiny@$OLD"
    has run/last/trainer/state.json "\"model.base\": \"acme/tiny@$OLD\""
    mkdir -p configs/acme
    mv model configs/acme/tiny
    expect 0 "$SFT" train configs/config.ini --set train.max_steps=1 --fresh # what is there wins
    has stderr 'model  configs/acme/tiny:'
}

test_a_run_goes_on_from_the_commit_that_it_began_with() {
    old_in_cache
    write_config
    sed -i 's,^base = .*,base = acme/tiny,' config.ini
    echo 'lr_scheduler_type = constant' >>config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=straight --set train.max_steps=4
    expect 0 "$SFT" train config.ini --set train.max_steps=2
    new_in_cache
    expect_error 2 "cannot continue run/checkpoint-2: [model] base: the content of acme/tiny@$NEW is not what this run was started with (acme/tiny@$OLD) (use the old value, another output_dir, or --fresh)" \
        "$SFT" train config.ini --set train.max_steps=4
    expect 0 "$SFT" train config.ini --set train.max_steps=4 --set model.base=acme/tiny@$OLD
    same_run straight run
}

test_a_newer_commit_of_the_same_files_goes_on() {
    old_in_cache
    write_config
    sed -i 's,^base = .*,base = acme/tiny,' config.ini
    expect 0 "$SFT" train config.ini --set train.max_steps=2
    in_cache $NEW model
    expect 0 "$SFT" train config.ini --set train.max_steps=3
    has stderr "model  acme/tiny@$NEW"
}

test_a_snapshot_that_is_not_whole() {
    old_in_cache
    write_config
    sed -i 's,^base = .*,base = acme/tiny,' config.ini
    rm hf/hub/models--acme--tiny/snapshots/$OLD/model.safetensors
    touch hf/hub/models--acme--tiny/blobs/55.incomplete
    expect 1 "$SFT" train config.ini
    has stderr "no model.safetensors; this snapshot in the Hugging Face cache lacks model.safetensors (a download was cut short): 'hf download acme/tiny --revision $OLD' fetches the rest"
    echo Hi | "$SFT" tokenizer encode --model acme/tiny # which needs no weights
    ln -sf ../../blobs/gone hf/hub/models--acme--tiny/snapshots/$OLD/tokenizer_config.json
    expect_error 1 "config.ini:2: [model] base: acme/tiny: its snapshot $OLD in the Hugging Face cache lacks tokenizer_config.json (a download was cut short); 'hf download acme/tiny' fetches it (sft downloads nothing)" \
        "$SFT" train config.ini
    expect_error_about 1 "acme/tiny: its snapshot $OLD in the Hugging Face cache lacks tokenizer_config.json" "$SFT" chat acme/tiny
    expect_error 1 "acme/other: no such file or directory, nor a model in the Hugging Face cache, $PWD/hf/hub; if the hub has it, 'hf download acme/other' fetches it (sft downloads nothing)" \
        "$SFT" chat acme/other
}
