# sft chat: its commands, its memory, Ctrl-C.

# chat LINE...: what chat answers, the likeliest tokens; notices go to the file `notices`.
chat() {
    printf '%s\n' "$@" | "$SFT" chat "$(trained_model)" --temperature 0 2>notices
}

test_commands() {
    is "$(chat /help 'Name a tree.' /quit Hello)" 'The oak.'
    has notices '/system TEXT'
    is "$(chat 'What is 2+2?' /reset Hello)" '2+2 is 4.
Hi there.'
    is "$(chat '/sytem x' Hello)" 'Hi there.'
    has notices 'unknown command /sytem (/help lists them; // in front sends the line as a message)'
    is "$(chat 'Hello' '/system Be short.' 'Why is the sky blue?')" 'Hi there.
Air scatters blue light.'
    chat '//etc/passwd is a file' >answer
    [ -s answer ] && [ ! -s notices ] || die "$(cat answer notices)"
}

# 128 positions: the oldest turns go, which is said once; the system prompt stays.
test_a_long_conversation_forgets_its_beginning() {
    set -- '/system Be short.'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        set -- "$@" 'Why is the sky blue?'
    done
    chat "$@" >answers
    is "$(wc -l <answers | tr -d ' ')" 16
    is "$(head -n 1 answers)" 'Air scatters blue light.'
    is "$(cat notices)" 'the conversation is longer than the 128 tokens that the model sees: its oldest turns are forgotten'
}

test_input_that_is_not_text() {
    printf 'Hel\377lo\300\n\000\n\033[2J\n/reset\nName a tree.\n' | "$SFT" chat "$(trained_model)" --temperature 0 --max-new-tokens 9 >answers
    is "$(tail -n 1 answers)" 'The oak.'
    [ "$(wc -l <answers)" -ge 3 ] || die "$(cat answers)"
    iconv -f UTF-8 -t UTF-8 answers >/dev/null || die 'not UTF-8'
}

# A model's own settings are the defaults where it says that it samples; what is given comes first.
test_the_models_own_settings() {
    cp -r "$(trained_model)/" m
    echo '{"eos_token_id": 403, "do_sample": true, "top_k": 1}' >m/generation_config.json
    for seed in 1 2 3; do
        printf 'Name a tree.\n' | "$SFT" chat m --seed $seed --temperature 90
    done >answers
    is "$(cat answers)" 'The oak.
The oak.
The oak.'
    printf 'Name a tree.\n' | "$SFT" chat m --temperature 90 --top-k 0 --max-new-tokens 5 >other
    [ "$(cat other)" != 'The oak.' ] || die '--top-k was not heard'
    echo '{"eos_token_id": 403, "do_sample": false, "top_k": 1}' >m/generation_config.json
    printf 'Name a tree.\n' | "$SFT" chat m --temperature 90 --max-new-tokens 5 >other
    [ "$(cat other)" != 'The oak.' ] || die 'do_sample false was not heard'
}

# The first Ctrl-C stops the answer and no more; where nobody types, it ends the program after that.
test_ctrl_c_stops_an_answer() {
    model=$(trained_model)
    cp -r "$model/" m
    sed -i 's/"eos_token_id": [0-9]*/"eos_token_id": null/' m/generation_config.json m/config.json
    mkfifo in
    "$SFT" chat m --temperature 3 --max-new-tokens 100000 --seed 1 <in >out 2>log &
    pid=$!
    exec 9>in
    i=0
    while [ $i -lt 400 ]; do # many answers, so that one is being written when the signal comes
        echo 'Tell me more.' >&9
        i=$((i + 1))
    done
    wait_until test -s out
    kill -INT $pid
    finish 130
    exec 9>&-
    [ ! -s log ] || has_not log error
}

# What a terminal's driver cut is not taken for the whole message.
test_a_line_that_a_terminal_cuts() {
    script -qec true /dev/null >/dev/null 2>&1 || { echo 'SKIP: no script (util-linux) to make a terminal'; return 0; }
    { sleep 1; head -c 5000 /dev/zero | tr '\0' a; printf '\n/quit\n'; sleep 1; } |
        script -qec "$SFT chat $(trained_model) --temperature 0" /dev/null >raw
    has raw 'a terminal passes on 4095 bytes of a line and drops the rest: not sent'
}
