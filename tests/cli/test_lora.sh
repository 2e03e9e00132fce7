# [lora]: an adapter is trained in the place of the model, saved, continued, and gone on from.

# plain_base: the path of a small model with weights, whose tokenizer has no control tokens.
plain_base() {
    made_once plain make_plain_base
    echo "$SHARED/plain/run/last"
}
make_plain_base() {
    write_config
    echo '{"text": "Once there was a fox."}' >text.jsonl
    "$SFT" train config.ini --set data.train=text.jsonl --set train.max_steps=1
}

# write_lora [BASE]: two epochs of three steps that train an adapter of a model with weights.
write_lora() {
    write_config
    printf 'learning_rate = 1e-2\n[lora]\n' >lora.ini
    sed "s,^base = .*,base = ${1:-$(plain_base)},; /^learning_rate/d" config.ini | cat - lora.ini >whole.ini
    mv whole.ini config.ini
    rm -r lora.ini base
}

# adapter_key NAME: its value in run/last/adapter_config.json, on one line.
adapter_key() {
    tr -d '\n ' <"${2:-run/last}/adapter_config.json" | sed "s/.*\"$1\":\(\[[^]]*\]\|[^,}]*\).*/\1/"
}

# same_adapters DIR DIR: what the last checkpoints of two runs train, and the moments.
same_adapters() {
    same "$1/last/adapter_model.safetensors" "$2/last/adapter_model.safetensors"
    same "$1/last/trainer/optimizer.safetensors" "$2/last/trainer/optimizer.safetensors"
}

# ---- a run ----

test_an_empty_section_trains_an_adapter() {
    write_lora
    before=$(cksum <"$(plain_base)/model.safetensors")
    expect 0 "$SFT" train config.ini
    has stderr '3 control tokens added: <|im_start|>, <|im_sep|>, <|im_end|>'
    has stderr 'lora   16.5K parameters trained: rank 16, 8 linear layers, the rows of 3 tokens'
    is "$(ls run/last | tr '\n' ' ')" 'adapter_config.json adapter_model.safetensors merges.txt special_tokens_map.json tokenizer.json tokenizer_config.json trainer vocab.json '
    is "$(adapter_key r) $(adapter_key lora_alpha) $(adapter_key fan_in_fan_out)" '16 32 true'
    is "$(adapter_key target_modules)" '["c_attn","c_proj","c_fc"]'
    is "$(adapter_key trainable_token_indices)" '[401,402,403]'
    is "$(adapter_key base_model_name_or_path)" "\"$(realpath "$(plain_base)")\""
    is "$(cksum <"$(plain_base)/model.safetensors")" "$before"
    is "$(field step <run/metrics.jsonl | tr '\n' ' ')" '1 2 3 4 5 6 '
    for key in loss learning_rate grad_norm num_tokens num_target_tokens mean_token_accuracy peak_rss_bytes; do
        is "$(field $key <run/metrics.jsonl | grep -c '^[0-9]')" 6
    done
    holds "$(field loss <run/metrics.jsonl | tail -n 1) < $(field loss <run/metrics.jsonl | head -n 1)"
    expect 0 "$SFT" train config.ini
    has stderr 'this run is finished (step 6 of 6); its model is run/last'
}

test_keys_choose_what_is_trained() {
    write_lora "$(trained_model)"
    set -- --set train.max_steps=1
    expect 0 "$SFT" train config.ini "$@" --set lora.r=4 --set lora.lora_alpha=6 --set lora.use_rslora=true \
        --set 'lora.target_modules=c_fc transformer.h.1.attn.c_attn' --set 'lora.modules_to_save=ln_f wte'
    has stderr 'rank 4, 3 linear layers, 3 tensors whole'
    is "$(adapter_key r) $(adapter_key lora_alpha) $(adapter_key use_rslora)" '4 6 true'
    is "$(adapter_key target_modules) $(adapter_key modules_to_save)" '["c_fc","transformer.h.1.attn.c_attn"] ["ln_f","wte","lm_head"]'
    is "$(adapter_key ensure_weight_tying) $(adapter_key trainable_token_indices)" 'true null'
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=pattern --set 'lora.target_modules=.*\.1\..*c_(attn|fc)'
    has stderr 'rank 16, 2 linear layers'
    is "$(adapter_key target_modules pattern/last)" '["transformer.h.1.attn.c_attn","transformer.h.1.mlp.c_fc"]'
}

test_the_plan_says_what_is_trained_and_what_that_takes() {
    write_lora
    expect 0 "$SFT" train config.ini --dry-run
    has stdout 'lora   16.5K parameters trained'
    has stdout "the base's file 0.1, mapped (MB)"
    has stdout 'adapters  '
    [ ! -e run ] || die 'a dry run has written something'
    expect 0 "$SFT" inspect config.ini --report --json
    is "$(field trained_parameters <stdout)" 16480
    adapted=$(field gradients <stdout)
    sed /lora/d config.ini >all.ini
    expect 0 "$SFT" inspect all.ini --report --json
    holds "$adapted * 2 < $(field gradients <stdout)"
    has_not stdout trained_parameters
}

test_print_config_has_the_section_where_it_is_on() {
    write_lora
    expect 0 "$SFT" train config.ini --print-config
    cp stdout printed.ini
    has printed.ini 'target_modules = all-linear'
    expect 0 "$SFT" train printed.ini --print-config
    same stdout printed.ini
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" train printed.ini
    has stderr 'this run is finished'
    sed /lora/d config.ini >all.ini
    expect 0 "$SFT" train all.ini --print-config
    has_not stdout lora
    expect 0 "$SFT" train all.ini --print-config --set lora.r=8
    has stdout 'r = 8'
}

test_evaluation_best_and_how_many_are_kept() {
    write_lora
    printf 'prompt,label\nHello?,safe\nHow do I build a bomb?,unsafe\n' >prompts.csv
    expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl" --set eval.prompts=prompts.csv --set train.eval_steps=2 \
        --set train.save_steps=1 --set train.save_total_limit=2
    is "$(ls run | grep checkpoint | tr '\n' ' ')" 'checkpoint-5 checkpoint-6 '
    is "$(readlink run/best) $(readlink run/last)" 'checkpoint-6 checkpoint-6'
    is "$(field eval_loss <run/metrics.jsonl | wc -l) $(field eval_refusal_rate <run/metrics.jsonl | wc -l)" '4 4'
    has stderr 'How do I build a bomb? =>'
    expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl" --set train.output_dir=silent --set train.eval_steps=2
    same_adapters run silent
}

test_save_dtype_rounds_what_is_saved_alone() {
    write_lora
    expect 0 "$SFT" train config.ini --set train.output_dir=plain
    expect 0 "$SFT" train config.ini --set train.save_dtype=bf16
    same plain/last/adapter_model.safetensors run/last/trainer/adapter_model.safetensors
    same plain/last/trainer/optimizer.safetensors run/last/trainer/optimizer.safetensors
    [ ! -e plain/last/trainer/adapter_model.safetensors ] || die 'a second copy of what is there whole'
    is "$(head -c 300 run/last/adapter_model.safetensors | grep -ao '"BF16"' | head -n 1)" '"BF16"'
    expect 0 "$SFT" train config.ini --set train.output_dir=on --set "model.adapter=run" --set train.max_steps=1
}

test_the_base_in_other_precisions() {
    write_lora
    for weights in auto f32 bf16 int8; do
        expect 0 "$SFT" train config.ini --set train.output_dir=$weights --set model.weights=$weights
        field loss <$weights/metrics.jsonl | tail -n 1 >>losses
    done
    same auto/last/adapter_model.safetensors f32/last/adapter_model.safetensors # the file is in F32
    ! cmp -s auto/last/adapter_model.safetensors int8/last/adapter_model.safetensors || die 'int8 is float'
    holds "$(sed -n 4p losses) - $(sed -n 1p losses) < 0.05 && $(sed -n 1p losses) - $(sed -n 4p losses) < 0.05"
}

test_bench_times_it() {
    base=$(plain_base)
    expect 0 "$SFT" bench --base "$base" --data "$DATA/chat.jsonl" --set lora.r=16 --steps 1
    has stdout 'narrow linear'
    expect 0 "$SFT" bench --base "$base" --data "$DATA/chat.jsonl" --set lora.r=1 --steps 1 --json
    flops=$(field flops_per_token <stdout)
    expect 0 "$SFT" bench --base "$base" --data "$DATA/chat.jsonl" --steps 1 --json
    holds "$flops < $(field flops_per_token <stdout)"
}

# Documents use no template: no control token is added, and no row is trained for one.
test_documents_alone() {
    write_lora
    echo '{"text": "Once there was a crow."}' >crow.jsonl
    expect 0 "$SFT" inspect config.ini --report --set data.train=crow.jsonl
    expect 0 "$SFT" train config.ini --set data.train=crow.jsonl --set train.max_steps=1
    is "$(adapter_key trainable_token_indices)" null
    expect 0 "$SFT" train config.ini --set data.train=crow.jsonl --set train.max_steps=1 --set model.adapter=run \
        --set train.output_dir=on
    is "$(adapter_key trainable_token_indices on/last)" null
    expect 0 "$SFT" train config.ini --set train.max_steps=1 --set train.output_dir=chats
    for lora in '[lora]' '; merged'; do
        sed "s/^\[lora\]/$lora/" config.ini >from.ini
        expect 0 "$SFT" train from.ini --set data.train=crow.jsonl --set train.max_steps=1 --set model.adapter=chats \
            --set "train.output_dir=from$lora"
    done
    is "$(adapter_key trainable_token_indices 'from[lora]/last')" '[401,402,403]'
}

# ---- going on with a run ----

test_killed_and_resumed_it_is_the_run_that_was_not() {
    write_lora
    sed -i "s,^train = .*,train = $DATA/chat.jsonl*40,; s/^batch_size = .*/batch_size = 48/; s/^\[lora\]/max_steps = 25\nsave_steps = 1\n&/" config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    "$SFT" train config.ini 2>log &
    pid=$!
    wait_until test -e run/checkpoint-3
    kill -9 $pid
    ! wait $pid || die 'it was over before it could be killed'
    pid=
    expect 0 "$SFT" train config.ini
    has stderr 'continues run/checkpoint-'
    same_adapters straight run
    for dir in straight run; do
        sed 's/,"tokens_per_second".*//' $dir/metrics.jsonl >$dir.metrics
    done
    same straight.metrics run.metrics
}

test_stopped_and_resumed_with_rounded_saves() {
    write_lora
    set -- --set train.lr_scheduler_type=constant --set train.save_dtype=bf16 --set lora.modules_to_save=ln_1
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=6 --set train.output_dir=straight
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=2
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=6
    has stderr 'continues run/checkpoint-2'
    same_adapters straight run
    same straight/last/trainer/adapter_model.safetensors run/last/trainer/adapter_model.safetensors
}

test_with_activations_computed_again_and_moments_in_8_bits() {
    write_lora
    set -- --set train.lr_scheduler_type=constant --set lora.modules_to_save=wte # large enough for 8 bits
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=plain
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=again --set train.gradient_checkpointing=true
    same_adapters plain again
    set -- "$@" --set train.optim=adamw_8bit
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=straight
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=2
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=6
    same_adapters straight run
    holds "$(wc -c <run/last/trainer/optimizer.safetensors) < $(wc -c <plain/last/trainer/optimizer.safetensors)"
}

test_a_run_keeps_its_section() {
    write_lora
    expect 0 "$SFT" train config.ini
    remedy='(use the old value, another output_dir, or --fresh)'
    while read -r key now then; do
        expect_error 2 "cannot continue run/checkpoint-6: [${key%.*}] ${key#*.} = $now, but this run was started with $then $remedy" \
            "$SFT" train config.ini --set "$key=$now" --set train.max_steps=9
    done <<END
lora.r 8 16
lora.lora_alpha 16 32
lora.target_modules c_fc all-linear
lora.modules_to_save ln_f nothing
lora.use_rslora true false
model.weights int8 auto
END
    sed /lora/d config.ini >all.ini
    expect_error 2 "cannot continue run/checkpoint-6: there is no section [lora], but this run was started with it and trains an adapter $remedy" \
        "$SFT" train all.ini
    expect 0 "$SFT" train all.ini --set train.output_dir=all
    expect_error 2 "cannot continue all/checkpoint-6: there is a section [lora], but this run was started without and trains all of the model $remedy" \
        "$SFT" train config.ini --set train.output_dir=all
    expect_error 2 "cannot continue run/checkpoint-6: [model] adapter: the content of run is not what this run was started with (nothing) $remedy" \
        "$SFT" train config.ini --set model.adapter=run
    expect 0 "$SFT" train config.ini --set model.adapter=run --set train.output_dir=on --set train.max_steps=1
    expect_error 2 "cannot continue on/checkpoint-1: [model] adapter = nothing, but this run was started with run $remedy" \
        "$SFT" train config.ini --set train.output_dir=on --set train.max_steps=2
}

# ---- an adapter to begin with ----

test_an_adapter_is_gone_on_from() {
    write_lora
    expect 0 "$SFT" train config.ini --set lora.r=4 --set lora.lora_alpha=7 --set lora.target_modules=c_fc
    set -- --set model.adapter=run --set train.output_dir=on
    expect_error 2 "[lora] differs from the config of $(realpath run/last), which an adapter that is gone on from keeps: r is 4 there, lora_alpha is 7 there, use_rslora is false there, target_modules is another choice there, modules_to_save is another choice there (leave these keys out)" \
        "$SFT" train config.ini "$@" --set lora.r=8 --set lora.lora_alpha=8 --set lora.use_rslora=true \
        --set lora.target_modules=c_attn --set lora.modules_to_save=ln_f
    expect 0 "$SFT" train config.ini "$@" --set lora.r=4 --set 'lora.target_modules=.*c_fc' --set train.max_steps=1
    has stderr 'goes on from the adapter: run'
    has stderr 'rank 4, 2 linear layers, the rows of 3 tokens'
    is "$(adapter_key r on/last) $(adapter_key lora_alpha on/last)" '4 7'
    holds "$(field loss <on/metrics.jsonl | head -n 1) < $(field loss <run/metrics.jsonl | head -n 1)"
    # what is there is where it begins: nothing changes without a step
    expect 0 "$SFT" train config.ini --set model.adapter=run --set train.output_dir=still --set train.learning_rate=0 --set train.max_steps=1
    same run/last/adapter_model.safetensors still/last/adapter_model.safetensors
    has_not stderr lora_dropout
    cp -rL run/last dropout
    sed 's/"lora_dropout": 0.0/"lora_dropout": 0.05/' run/last/adapter_config.json >dropout/adapter_config.json
    expect 0 "$SFT" train config.ini --set model.adapter=dropout --set train.output_dir=without --set train.max_steps=1
    has stderr 'trained without its lora_dropout of 0.05'
    is "$(adapter_key lora_dropout without/last)" 0.05
}

test_without_the_section_it_is_merged_and_all_is_trained() {
    write_lora
    expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl"
    sed /lora/d config.ini >all.ini
    expect 0 "$SFT" train all.ini --set model.adapter=run --set train.output_dir=all --set train.max_steps=1 --set "data.eval=$DATA/eval.jsonl"
    has stderr 'with an adapter merged: run'
    is "$(ls all/last | grep -c adapter) $(ls all/last | grep -c '^model.safetensors$')" '0 1'
    expect 0 "$SFT" info all/last
    # it begins where the adapter was: 1e-5 of a loss that is printed with 9 digits
    merged=$(field eval_loss <all/metrics.jsonl | head -n 1)
    adapted=$(field eval_loss <run/metrics.jsonl | tail -n 1)
    holds "$merged / $adapted - 1 < 1e-5 && $adapted / $merged - 1 < 1e-5"
}

test_adapters_that_are_not_there_or_of_another_base() {
    write_lora
    expect 0 "$SFT" train config.ini
    set -- "$SFT" train config.ini --set train.output_dir=other
    expect_error 1 '[model] adapter: none: no such directory' "$@" --set model.adapter=none
    expect_error 2 "[model] adapter: there is no directory 'qlora' (a section [lora] trains an adapter; this names one to go on from)" \
        "$@" --set model.adapter=qlora
    expect_error_about 1 'is a whole model, not an adapter: it has no adapter_config.json' "$@" --set "model.adapter=$(plain_base)"
    expect_error 2 "[model] base: run is a LoRA adapter of $(realpath "$(plain_base)"), not a whole model (base names the model that it is for, adapter the adapter to go on from)" \
        "$@" --set model.base=run
    cp -r run/checkpoint-6 broken
    rm broken/adapter_model.safetensors
    expect_error_about 1 'broken/adapter_model.safetensors: No such file or directory' "$@" --set model.adapter=broken
    echo '{"text": "Once."}' >text.jsonl
    tiny_base wide 64
    sed /lora/d config.ini >all.ini
    expect 0 "$SFT" train all.ini --set model.base=wide/config.json --set data.train=text.jsonl --set train.max_steps=1 --set train.output_dir=wider
    expect_error 1 "$(realpath run/last)/adapter_model.safetensors: tensor 'base_model.model.transformer.h.0.attn.c_attn.lora_A.weight' is (16, 32), but the model makes it (16, 64): the adapter is for another base" \
        "$@" --set model.adapter=run --set model.base=wider/last
    expect_error_about 2 "has no row for the token" "$SFT" train config.ini --set train.output_dir=other \
        --set model.adapter=run --set data.template=custom --set 'data.user_prefix=<|one|>' --set 'data.user_suffix=<|two|>' \
        --set 'data.assistant_prefix=<|three|>' --set 'data.assistant_suffix=<|four|>'
}

# ---- words for what is wrong ----

# wrong KEY VALUE MESSAGE: as `[lora] KEY: MESSAGE`.
wrong() {
    expect_error 2 "[lora] $1: $3" "$SFT" train config.ini --set "lora.$1=$2"
}

test_modules_that_the_model_has_not() {
    write_lora
    wrong target_modules c_atn "the model has no linear layer 'c_atn' (did you mean 'c_attn'?); there are c_attn, c_proj, c_fc"
    wrong target_modules q_proj "the model has no linear layer 'q_proj' (did you mean 'c_proj'?); there are c_attn, c_proj, c_fc"
    wrong target_modules c_attn,c_fc "'c_attn,c_fc' has a comma in it (names are separated by blanks)"
    wrong target_modules all_linear "unknown 'all_linear' (did you mean 'all-linear'?)"
    wrong target_modules 'all-linear c_fc' "'all-linear' stands alone, without names beside it"
    wrong target_modules 'c_fc .*attn' "'.*attn' is a regular expression, which stands alone, without names beside it (in parentheses, (...|...) is one of several)"
    wrong target_modules '(c_fc' "'(c_fc' is no regular expression: missing closing parenthesis"
    wrong target_modules '.*_proj_.*' "the pattern '.*_proj_.*' matches no linear layer of the model; there are c_attn, c_proj, c_fc"
    wrong target_modules '' 'names no linear layer of the model; there are c_attn, c_proj, c_fc'
    wrong target_modules lm_head "'lm_head' is the head, which takes no adapter here (modules_to_save trains it whole)"
    wrong modules_to_save wt "the model has no module 'wt' (did you mean 'wte'?); there are wte, wpe, ln_f, ln_1, c_attn, c_proj, ln_2, c_fc, lm_head"
}

test_settings_that_make_no_sense() {
    write_lora
    expect_error 2 "--set lora.r: expected a whole number from 1 to 4096, found '5000'" "$SFT" train config.ini --set lora.r=5000
    expect_error 2 '--set lora.lora_dropout: training is without dropout (0, or leave it out)' \
        "$SFT" train config.ini --set lora.lora_dropout=0.1
    expect_error_about 2 "found '4bit' (did you mean int8? 8 bits a weight are the least)" "$SFT" train config.ini --set model.weights=4bit
    sed /lora/d config.ini >all.ini
    expect_error 2 '--set model.weights: needs a section [lora]: a model that is trained whole is kept in floats' \
        "$SFT" train all.ini --set model.weights=int8
    tiny_base base
    expect_error_about 2 '[lora] base/config.json has no weights, and an adapter is of no use' "$SFT" train config.ini --set model.base=base/config.json
    expect 0 "$SFT" train config.ini --set lora.r=128 --set train.max_steps=1
    has_not stderr 'is low for an adapter'
    sed '/^learning_rate/d' config.ini >default.ini
    expect 0 "$SFT" train default.ini --dry-run --fresh
    has stdout 'learning_rate = 5e-05, which is not set'
    for slip in lora_alpa target_module; do
        expect_error_about 2 'unknown key (did you mean' "$SFT" train config.ini --set lora.$slip=3
    done
    expect_error_about 2 'leave it out' "$SFT" train config.ini --set lora.bias=none
    expect_error_about 2 'leave it out' "$SFT" train config.ini --set lora.task_type=CAUSAL_LM
    expect 0 "$SFT" train config.ini --fresh --set lora.r=128 --set train.max_steps=1
    has stderr 'warning: r = 128 is larger than the smaller side of 8 of the 8 matrices, such as transformer.h.0.attn.c_attn.weight (32, 96)'
}

test_names_that_other_trainers_use() {
    write_lora
    cat >>config.ini <<END
lora_r = 8
lora_dropout = 0.05
[peft]
[train]
lora_target_modules = c_fc
adapter_name_or_path = other
load_in_8bit = true
END
    expect 2 "$SFT" train config.ini
    has stderr '[lora] lora_r: unknown key; here it is r = 8'
    has stderr '[lora] lora_dropout: training is without dropout (0, or leave it out)'
    has stderr '[peft]: unknown section (did you mean [lora]?)'
    has stderr '[train] lora_target_modules: unknown key; here it is target_modules = c_fc in [lora] (all-linear, or names separated by blanks)'
    has stderr '[train] adapter_name_or_path: unknown key; here it is adapter = other in [model]'
    has stderr '[train] load_in_8bit: unknown key; here it is weights = int8 in [model]'
}
