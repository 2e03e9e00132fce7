# What the documents say is what the program does.

test_readme_has_the_configuration_table_of_the_program() {
    sh "$DATA/../../../scripts/update_readme.sh" --check "$SFT"
}

test_every_shipped_configuration_is_read() {
    count=0
    for config in "$DATA"/../../../configs/*.ini; do
        "$SFT" train "$config" --print-config >printed.ini
        grep -q '^base = .' printed.ini
        "$SFT" train printed.ini --print-config >again.ini
        cmp printed.ini again.ini
        count=$((count + 1))
    done
    [ $count -ge 1 ]
}

test_the_base_in_the_box_is_whole_and_trains() {
    top=$DATA/../../..
    expect 0 "$SFT" info "$top/checkpoints/base"
    has stdout '4.3M parameters'
    expect 0 "$SFT" train "$top/configs/quickstart.ini" --set train.output_dir=out --set train.max_steps=2 --set "data.eval="
    has stderr 'saved out/checkpoint-2'
    holds "$(field loss <out/metrics.jsonl | tail -n 1) < 7" # chance is 8.3
    [ "$(du -k "$top/checkpoints/base" | cut -f1)" -le 10240 ]
}
