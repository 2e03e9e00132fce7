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
