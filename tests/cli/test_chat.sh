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
    has notices 'unknown command /sytem: not sent (/help lists them; // in front sends it)'
    is "$(chat 'Hello' '/system Be short.' 'Why is the sky blue?')" 'Hi there.
Air scatters blue light.'
    chat '//etc/passwd is a file' >answer
    [ -s answer ] && [ ! -s notices ] || die "$(cat answer notices)"
}

# A message that no room can be made for is refused, and costs none of the turns before it.
test_a_message_that_is_too_long_costs_itself_alone() {
    long=$(yes 'Why is the sky blue?' | head -n 60 | tr '\n' ' ')
    ! chat 'Name a tree.' "$long" 'Hello' /speed >answers || die 'exit code 0'
    is "$(head -n 1 answers)" 'The oak.'
    has notices 'and the model sees 128 at most'
    has_not notices 'forgotten'
    with=$(grep -o 'prompt of [0-9]*' notices)
    chat 'Name a tree.' 'Hello' /speed >answers
    has notices "$with"
}

# What is said of it is what helps.
test_what_is_too_long() {
    long=$(yes 'Why is the sky blue?' | head -n 60 | tr '\n' ' ')
    ! chat "$long" >answers || die 'exit code 0'
    grep -q '^error: the prompt has [0-9]* tokens, and the model sees 128 at most: shorten the message$' notices || die "$(cat notices)"
    ! chat '/system Be short.' "$long" >answers || die 'exit code 0'
    has notices ': shorten the message, or the system prompt (/system)'
    ! chat "/system $long" Hello '/system' Hello >answers || die 'exit code 0'
    has notices ': the system prompt alone is too long (/system gives another)'
    is "$(cat answers)" 'Hi there.'
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
    is "$(grep -v '^cut: the model sees 128 tokens and no more$' notices)" 'the model sees 128 tokens and no more: the oldest turns are forgotten'
}

test_input_that_is_not_text() {
    printf 'Hello\377\n/system caf\351\n\000\n\033[2J\n/reset\nName a tree.\n' >lines
    code=0
    "$SFT" chat "$(trained_model)" --temperature 0 --max-new-tokens 9 <lines >answers 2>notices || code=$?
    is "$code" 1
    is "$(grep error notices)" 'error: not UTF-8 (byte 0xFF): not sent
error: not UTF-8 (byte 0xE9): not sent'
    is "$(tail -n 1 answers)" 'The oak.'
    [ "$(wc -l <answers)" -ge 3 ] || die "$(cat answers)"
    iconv -f UTF-8 -t UTF-8 answers >/dev/null || die 'not UTF-8'
}

test_blanks() {
    is "$(chat '' '   ' "$(printf '\t \r')" ' /reset' '  /help' 'Name a tree.' /speed)" 'The oak.'
    has notices '/system TEXT'
    has notices 'prompt of'
    [ "$(grep -c unknown notices)" = 0 ] || die "$(cat notices)"
    chat ' //' '  //etc is a folder' >answers
    is "$(wc -l <answers | tr -d ' ')" 2
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

# What a terminal's driver cut is not taken for the whole message: where lines are not edited.
test_a_line_that_a_terminal_cuts() {
    has_terminals || return 0
    { sleep 1; head -c 5000 /dev/zero | tr '\0' a; printf '\n/quit\n'; sleep 1; } |
        TERM=dumb script -qec "$SFT chat $(trained_model) --temperature 0" /dev/null >raw
    has raw 'a terminal passes on 4095 bytes of a line and drops the rest: not sent'
    has_not raw "$(printf '\033')"
}

test_retry_gives_another_answer() {
    printf 'Hello\n/retry\n/retry\n/save said\n' | "$SFT" chat "$(trained_model)" --temperature 3 --max-new-tokens 12 >answers 2>notices
    is "$(wc -l <answers | tr -d ' ')" 3
    [ "$(sed -n 1p answers)" != "$(sed -n 2p answers)" ] || die 'the same answer'
    is "$(grep -o '"role"' said | wc -l)" 2 # the question, and the last answer
    grep -q '^{"messages": \[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "' said || die "$(cat said)"
    is "$(chat /retry Hello /retry)" 'Hi there.
Hi there.'
    has notices 'there is no answer yet that could be another'
    has notices 'with temperature 0 the answer stays the same'
}

# What is saved is what training reads; a file that was there is never lost.
test_save() {
    export HOME="$PWD"
    chat '/system Be short.' 'Why is the sky blue?' '/save a.jsonl' 'What is 2+2?' '/save a.jsonl' '/save  there ' /save '/save no/where' '/save ~/home.jsonl' >answers
    is "$(cat a.jsonl)" '{"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why is the sky blue?"}, {"role": "assistant", "content": "Air scatters blue light."}, {"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "'"$(sed -n 2p answers)"'", "train": false}]}'
    same a.jsonl there
    is "$(sed 's,no/where.*,no/where: ,' notices)" 'saved a.jsonl
cut: the model sees 128 tokens and no more
saved a.jsonl
saved there
/save FILE: the file'\''s name is missing
not saved: no/where: 
saved '"$HOME/home.jsonl"
    same a.jsonl home.jsonl
    chat Hello '/save a.jsonl' >answers
    is "$(cat notices)" 'not saved: a.jsonl is there already: choose another name'
    same a.jsonl there
    expect 0 "$SFT" inspect --base "$(trained_model)" a.jsonl --json
    is "$(wc -l <stdout | tr -d ' ')" 1
}

test_nothing_to_save() {
    chat '/save no' '/system Be short.' '/save no' Hello '/save said' >answers
    is "$(cat notices)" 'nothing to save yet
nothing to save yet
saved said'
    [ ! -e no ] || die 'a file was written'
}

# Training on an answer that was cut would teach the model to end there.
test_what_is_saved_of_a_cut_answer() {
    chat Hello '/save whole' >answers
    printf 'Hello\n/save cut\n' | "$SFT" chat "$(trained_model)" --temperature 0 --max-new-tokens 2 >answers 2>notices
    is "$(cat answers)" 'Hi' # a script takes all of it for the answer
    is "$(cat notices)" 'cut at --max-new-tokens 2
saved cut'
    is "$(cat cut)" '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "train": false}]}'
    expect 0 "$SFT" inspect --base "$(trained_model)" whole
    has_not stdout 'nothing left to train'
    expect 0 "$SFT" inspect --base "$(trained_model)" cut
    has stdout 'nothing left to train'
}

test_speed_on_request() {
    chat /speed Hello 'Name a tree.' /retry /speed >answers # what was asked again is known, but for the last page begun
    is "$(sed -n 1p notices)" 'there is no answer yet'
    tail -n 1 notices | grep -q '^[0-9]* tokens, [0-9.]* tokens/s; the first after [0-9.]* s; prompt of [0-9]* tokens, [1-9][0-9]* known$' ||
        die "$(cat notices)"
}

test_commands_that_take_nothing() {
    is "$(chat '/reset now' Hello)" 'Hi there.'
    is "$(cat notices)" '/reset takes nothing behind it: not done'
}

# ---- on a terminal ----

# open_chat COLUMNS ARGUMENT...: a chat on a terminal of its own, which has shown its first prompt; false (and said so) where none can be made.
# type_keys types, the file `screen` is all that was shown.
open_chat() {
    has_terminals || return 1
    cat >session.sh <<'END'
tty >tty
stty cols "$1" rows 24
stty -a >before
shift
sh -c 'echo $$ >sft.pid; exec env --default-signal=HUP "$@"' - "$SFT" chat "$@" # nohup, for one, has it ignored
echo $? >code
stty -a >after
END
    mkfifo in
    HOME=$PWD NO_COLOR=1 TERM=xterm script -qec "sh session.sh $*" /dev/null <in >screen 2>&1 &
    pid=$!
    exec 9>in
    wait_until grep -qF '> ' screen
}

type_keys() {
    printf "$1" >&9
}

shows() {
    wait_until grep -qF -e "$1" screen
}

# chat_ends CODE: with that exit code, the terminal as it was found.
chat_ends() {
    wait_until test -s after
    is "$(cat code)" "$1"
    diff before after || die 'the terminal is not as it was'
    exec 9>&-
    wait "$pid" || :
    pid=
    is "$(grep -o '2004[hl]' screen | tail -n 1)" 2004l
}

# said TEXT...: the dialogue, as /save has written it into the file `said`, is that: a user's and an assistant's message in turn.
said() {
    for text; do
        printf '%s\n' "$text"
    done >wanted
    sed 's/"role"/\n&/g' said | sed -n 's/.*"content": "\(.*\)"}.*/\1/p' | diff wanted - || die "$(cat said)"
}

# The keys of a line: arrows, history, word-wise deletion, UTF-8.
test_a_line_is_edited() {
    open_chat 80 "$(trained_model)" --temperature 0 || return 0
    type_keys 'Helo\033[Dl\r'
    shows 'Hi there.'
    type_keys '\033[A\r/reset\rName a b\303\244\360\237\214\263 bush\027\027tree.\r/save said\r'
    shows 'saved said'
    said 'Name a tree.' 'The oak.'
    type_keys '\022Hel\r'                # history: the line found is sent
    type_keys '/save then\r'
    shows 'saved then'
    type_keys '\004'
    chat_ends 0
    has then '"content": "Hello"'
}

# Lines that are pasted are one message, which is sent with Enter, and of which no key is obeyed.
test_a_paste_is_one_message() {
    open_chat 80 "$(trained_model)" --temperature 0 --max-new-tokens 5 || return 0
    has screen "$(printf '\033[?2004h')"
    type_keys 'Go: \033[200~one\rtwo\n\003three\033[A\tend\r\033[201~!\r/save said\r'
    shows 'saved said'
    sed -n 's/.*"user", "content": "\([^"]*\)".*/\1/p' said >message
    is "$(cat message)" 'Go: one\ntwo\nthree[A\tend\n!'
    type_keys '/reset\ra\033\rb\r/save more\r' # Alt-Enter
    shows 'saved more'
    is "$(sed -n 's/.*"user", "content": "\([^"]*\)".*/\1/p' more)" 'a\nb'
    type_keys '/quit\r'
    chat_ends 0
}

# Longer than a terminal's driver would pass on, and than the screen is high, typed and pasted.
test_a_long_line() {
    has_terminals || return 0
    singer
    open_chat 80 singer --temperature 0 --max-new-tokens 1
    long=$(head -c 5000 /dev/zero | tr '\0' a)
    type_keys "/system $long\rSing\r/save typed\r"
    shows 'saved typed'
    has typed "\"content\": \"$long\"}"
    lines=$(awk 'BEGIN { for (i = 1; i <= 60; i++) printf "line %d\\r", i }')
    type_keys "/system \033[200~${lines}end\033[201~\rSing\r/save pasted\r"
    shows 'saved pasted'
    has pasted "\"content\": \"$(awk 'BEGIN { for (i = 1; i <= 60; i++) printf "line %d\\n", i }')end\"}"
    type_keys '/quit\r'
    chat_ends 0
}

test_ctrl_c_drops_a_line_and_then_ends() {
    open_chat 80 "$(trained_model)" --temperature 0 || return 0
    type_keys 'never sent\003'
    shows '^C'
    has_not screen 'again ends'
    type_keys 'Hello\r'
    shows 'Hi there.'
    type_keys '/save said\r\003'
    shows '(/quit, Ctrl-D or Ctrl-C again ends)'
    said Hello 'Hi there.'
    type_keys '\003'
    chat_ends 0
}

# singer [WORD]: a model that goes on for thousands of tokens.
singer() {
    tiny_base base
    sed -i 's/"n_positions": 128/"n_positions": 100000/' base/config.json
    printf '{"prompt": "Sing", "completion": "%s"}\n' "$(yes "${1:-la }" | head -n 100 | tr -d '\n')" >song.jsonl
    cat >config.ini <<END
[model]
base = base/config.json
[data]
train = song.jsonl
max_length = 60
[train]
output_dir = singer
max_steps = 60
batch_size = 1
learning_rate = 1e-2
precision = fp32
logging_steps = 60
END
    "$SFT" train config.ini 2>train.log || die "$(cat train.log)"
}

test_ctrl_c_stops_the_answer_on_a_terminal() {
    has_terminals || return 0
    singer
    open_chat 80 singer --temperature 0 --max-new-tokens 90000
    type_keys 'Sing\r'
    shows 'la la la la la la'
    type_keys 'not shown yet'
    type_keys '\003' # the driver drops what was typed before it
    shows '[...]' # where the line ends, without a blank
    shows 'stopped'
    has_not screen 'not shown'
    type_keys '/save said\r'
    shows 'saved said'
    has said '{"role": "assistant", "content": "la la la'
    type_keys 'Sing\r' # while it sings, a line is typed: it is read afterwards
    wait_until sh -c '[ "$(grep -cF "la la la la" screen)" -ge 20 ]'
    kill -INT "$(cat sft.pid)"
    type_keys '/save later\r/quit\r'
    chat_ends 0
    has later '{"role": "user", "content": "Sing"}, {"role": "assistant", "content": "la la la'
}

# The mark of a cut answer stands behind its last word, or at the beginning of a line.
test_the_mark_of_a_cut_answer() {
    has_terminals || return 0
    singer 'la\n\n'
    for n in 1 2 3 4 5 6; do
        printf 'Sing\n' | "$SFT" chat singer --temperature 0 --max-new-tokens $n 2>>notices >>plain
        rm -f in screen tty before after code
        open_chat 80 singer --temperature 0 --max-new-tokens $n
        type_keys 'Sing\r'
        shows "cut at --max-new-tokens $n"
        type_keys '/quit\r'
        chat_ends 0
        tr -d '\r' <screen >>screens
    done
    has_not plain '[...]'
    is "$(grep -c '^cut at' notices)" 6
    has screens 'la [...]'
    grep -qxF '[...]' screens || die "$(cat screens)"
    ! grep -qxF ' [...]' screens || die "$(cat screens)"
}

# Who presses Ctrl-C three times means the answer, not the prompt behind it.
test_ctrl_c_in_a_row_stops_the_answer_alone() {
    has_terminals || return 0
    singer
    open_chat 80 singer --temperature 0 --max-new-tokens 90000
    type_keys 'Sing\r'
    shows 'la la la la la la'
    type_keys '\003'
    sleep 0.1
    type_keys '\003'
    sleep 0.1
    type_keys '\003'
    shows '[...]' # where the line ends, without a blank
    sleep 1.5
    has_not screen 'again ends'
    type_keys '/save said\r'
    shows 'saved said'
    type_keys '\003'
    shows '(/quit, Ctrl-D or Ctrl-C again ends)'
    type_keys '\003'
    chat_ends 0
}

test_a_signal_ends_a_chat_and_leaves_the_terminal_whole() {
    for signal in TERM HUP; do
        rm -f in screen tty before after code
        open_chat 80 "$(trained_model)" || return 0
        type_keys 'half a line'
        shows 'half a line'
        kill -$signal "$(cat sft.pid)"
        chat_ends 130
    done
}

# Words are wrapped where the screen ends; a window that changes its size changes that, and loses nothing of a line.
test_the_width_of_the_screen() {
    open_chat 12 "$(trained_model)" --temperature 0 || return 0
    type_keys '/system Be short.\rWhy is the sky blue?\r'
    shows 'light.'
    tr -d '\r' <screen | grep -qx 'scatters' || die "$(cat screen)"
    tr -d '\r' <screen | grep -qx 'blue light\.' || die "$(cat screen)"
    stty -F "$(cat tty)" cols 60
    type_keys '/system\r'
    shows 'a new conversation'
    type_keys 'Hel'
    wait_until sh -c 'tail -c 20 screen | grep -q Hel'
    stty -F "$(cat tty)" cols 40
    type_keys 'lo\r'
    shows 'Hi there.'
    type_keys '/save said\r'
    shows 'saved said'
    said Hello 'Hi there.'
    stty -F "$(cat tty)" cols 12
    type_keys '/quit\r'
    chat_ends 0
}

# What chat says is broken between words, help under its column; a warning, too.
test_notices_on_a_narrow_terminal() {
    has_terminals || return 0
    write_config
    "$SFT" train config.ini --set data.template=chatml --set train.max_steps=1 2>log || die "$(cat log)"
    open_chat 40 run --set data.template=im_sep
    type_keys '/help\r/speed\r/sytem\r/quit\r'
    chat_ends 0
    sed 's/\r//g; s/\x1b[[?0-9]*[a-zA-Z]//g' screen >lines
    ! grep '.\{40\}' lines || die 'too long for the screen'
    tr '\n' '|' <lines >flat
    has flat '|sampling with temperature 0.7, top-p|0.95|'
    has flat '|/retry        have the last message|              answered once more|'
    has flat 'has not been|         trained with template ='
    has flat '|unknown command /sytem: not sent (/help|lists them; // in front sends it)|'
}

# A line may end at any wide character, but not before what closes a clause, nor inside a family of emoji.
test_wide_characters() {
    write_config 64
    echo '{"prompt": "moon", "completion": "床前明月光，疑是地上霜。举头望明月，低头 ok 👍🏽👨‍👩‍👧"}' >moon.jsonl
    expect 0 "$SFT" train config.ini --set data.train=moon.jsonl --set train.max_steps=150 --set train.learning_rate=1e-2
    is "$("$SFT" generate run moon 2>/dev/null)" '床前明月光，疑是地上霜。举头望明月，低头 ok 👍🏽👨‍👩‍👧'
    open_chat 12 run --temperature 0 || return 0 # 11 columns are used
    type_keys 'moon\r'
    shows 'ok'
    type_keys '/quit\r'
    chat_ends 0
    for line in 床前明月 光，疑是地 上霜。举头 望明月，低 '头 ok 👍🏽'; do
        tr -d '\r' <screen | grep -qx "$line" || die "$line: $(cat screen)"
    done
    has screen '👨‍👩‍👧'
}

# Ctrl-Z gives the terminal back to the shell as it was; fg goes on with the same line.
test_a_chat_is_suspended() {
    open_chat 80 "$(trained_model)" --temperature 0 || return 0
    type_keys '/quit\r'
    chat_ends 0
    rm in screen after
    cat >session.sh <<'END'
stty -a >before
set -m
"$SFT" chat "$@"
stty -a >after
fg >/dev/null
END
    mkfifo in
    HOME=$PWD NO_COLOR=1 TERM=xterm script -qec "sh session.sh $(trained_model) --temperature 0" /dev/null <in >screen 2>&1 &
    pid=$!
    exec 9>in
    shows '> '
    type_keys 'Hel'
    shows 'Hel' # Ctrl-Z drops what nobody has read
    type_keys '\032'
    wait_until test -s after
    diff before after || die 'the terminal is not as it was'
    type_keys 'lo\r/save said\r/quit\r'
    exec 9>&-
    wait "$pid" || die "$(cat screen)"
    pid=
    said Hello 'Hi there.'
}
