# sft serve from outside: its answers, clients that leave at every moment, the end, what it refuses to start with.

# metric NAME: its value, of the running server.
metric() {
    curl -s "$url/metrics" | sed -n "s/^$1 //p"
}
metric_is() {
    [ "$(metric "$1")" = "$2" ]
}
metric_grows() { # NAME VALUE: it is above the value
    [ "$(metric "$1")" -gt "$2" ]
}

# chat MEMBERS...: the answer to a conversation, whose request has these members besides (,"temperature":0 where there are none).
chat() {
    [ $# -gt 0 ] || set -- ,\"temperature\":0
    curl -sS "$url/v1/chat/completions" -d "{\"messages\":[{\"role\":\"user\",\"content\":\"Name a tree.\"}]$*}"
}

# A model that sees 60,000 positions, and knows nothing: its answers end where they must.
long_model() {
    made_once long make_long_model
    echo "$SHARED/long/run/last"
}
make_long_model() {
    tiny_base base 32
    sed -i 's/"n_positions": 128/"n_positions": 60000/' base/config.json
    printf '[model]\nbase = base/config.json\n[data]\ntrain = %s\n[train]\noutput_dir = run\n' "$DATA/chat.jsonl" >long.ini
    "$SFT" train long.ini --set train.max_steps=1 --set train.precision=fp32
}

# endless [MEMBERS]: ask, in the background ($client), for an answer that takes minutes, as a stream unless the members say otherwise.
endless() {
    [ $# -gt 0 ] || set -- ,\"stream\":true
    curl -sN "$url/v1/completions" -d "{\"prompt\":\"a\",\"max_tokens\":59000,\"ignore_eos\":true$*}" >stream 2>/dev/null &
    client=$!
}
leave() {
    kill -9 "$client"
    wait "$client" 2>/dev/null || :
}

test_answers() {
    model=$(trained_model)
    start_server "$model" --precision fp32
    chat >answer
    has answer '"content":"The oak."'
    has answer '"finish_reason":"stop"'
    has answer '"model":"run/checkpoint-300"'
    curl -s "$url/v1/models" >models
    has models '"id":"run/checkpoint-300"'
    has models '"max_model_len":128'
    curl -s "$url/v1/models/run/checkpoint-300" >one
    has one '"object":"model"'

    # streamed, the same text, piece by piece
    chat ',"temperature":0,"stream":true,"stream_options":{"include_usage":true}' >events
    is "$(tail -n 2 events)" 'data: [DONE]'
    is "$(sed -n 's/.*"content":"\([^"]*\)".*/\1/p' events | tr -d '\n')" 'The oak.'
    is "$(field completion_tokens <events | tail -n 1)" "$(field completion_tokens <answer)"
    [ "$(grep -c '^data: ' events)" -gt 4 ] || die "not piece by piece: $(cat events)"

    # text that is continued, what generate says of it
    echo '{"prompt":"The sky is"}' | "$SFT" generate "$model" --raw --json --max-new-tokens 12 >generated
    curl -s "$url/v1/completions" -d '{"prompt":"The sky is","max_tokens":12,"temperature":0}' >completed
    is "$(sed 's/.*"text":"\(.*\)","logprobs".*/\1/' completed)" "$(sed 's/.*"completion":"\(.*\)","tokens".*/\1/' generated)"

    # a seed says the same twice, beside others too
    for i in 1 2 3; do
        chat ',"temperature":1.5,"seed":11,"max_tokens":20' | sed 's/.*"choices"/"choices"/; s/"usage".*//' >seeded-$i &
    done
    chat ',"temperature":1.5,"seed":12,"max_tokens":20' >other
    wait_until [ -s seeded-3 ]
    wait_until [ -s seeded-2 ]
    wait_until [ -s seeded-1 ]
    same seeded-1 seeded-2
    same seeded-1 seeded-3
    curl -s "$url/metrics" | grep -qxF 'sft_requests_total{path="/v1/chat/completions",code="200"} 6' || die "$(curl -s "$url/metrics")"
    stop_server
}

test_wrong_requests() {
    start_server "$(trained_model)"
    for body in '' '{' '[]' '{}' '{"messages":[]}' '{"messages":7}' '{"messages":[{"role":"user","content":"a"}],"max_tokens":"many"}'; do
        is "$(curl -s -o answer -w '%{http_code}' "$url/v1/chat/completions" -d "$body")" 400
        has answer '{"error":{"message":"'
        has answer '"type":"invalid_request_error"'
    done
    # a million messages, and more than a request may have
    awk 'BEGIN { printf "{\"messages\":["; for (i = 0; i < 90000; i++) printf "%s{\"role\":\"user\",\"content\":\"\"}", i ? "," : ""; print "]}" }' >many
    is "$(curl -s -o answer -w '%{http_code}' "$url/v1/chat/completions" -d @many)" 400
    head -c 5000000 /dev/zero | tr '\0' '[' >huge
    is "$(curl -s -o answer -w '%{http_code}' "$url/v1/chat/completions" -d @huge)" 413
    has answer '"type":"invalid_request_error"'
    is "$(curl -s -o answer -w '%{http_code}' -H 'Transfer-Encoding: chunked' -H 'Expect:' "$url/v1/chat/completions" -d @huge)" 413
    head -c 4000000 huge >deep
    is "$(curl -s -o answer -w '%{http_code}' "$url/v1/chat/completions" -d @deep)" 400
    is "$(chat | field content)" 'The oak.'
    stop_server
}

test_a_client_that_leaves_while_decoding() {
    start_server "$(long_model)"
    left=0
    for stream in true false; do
        made=$(metric sft_generated_tokens_total)
        endless ,\"stream\":$stream
        wait_until metric_grows sft_generated_tokens_total $((made + 20))
        metric_is sft_requests_running 1 || die 'it does not run'
        leave
        wait_until metric_is sft_requests_running 0
        [ "$(metric sft_generated_tokens_total)" -lt $((made + 59000)) ] || die 'the answer went on to its end'
        left=$((left + 1))
        wait_until metric_is sft_disconnects_total $left
        is "$(metric 'sft_kv_pages{state="used"}')" 0
    done
    stop_server
}

test_a_queue_that_is_full() {
    start_server "$(long_model)" --parallel 1 --max-queue 1
    endless
    first=$client
    wait_until metric_is sft_requests_running 1
    endless
    wait_until metric_is sft_requests_waiting 1
    is "$(curl -s -D head -o answer -w '%{http_code}' "$url/v1/completions" -d '{"prompt":"a"}')" 429
    is "$(cat answer)" '{"error":{"message":"as many requests wait as may (1): ask again later","type":"rate_limit_exceeded","param":null,"code":"queue_full"}}'
    has head 'Retry-After: 1'
    leave
    client=$first
    leave
    is "$(curl -s -o answer -w '%{http_code}' "$url/v1/completions" -d '{"prompt":"a","max_tokens":3}')" 200
    stop_server
}

# Clients that have stopped reading, with answers for every place and more bytes than sockets hold (128 answers that begin with a prompt of
# 14,000 control characters, 84,000 bytes of JSON): others are answered as if they were not there.
test_readers_that_stop_hold_nobody() {
    start_server "$(long_model)" --parallel 2
    awk 'BEGIN { printf "{\"stream\":true,\"echo\":true,\"n\":16,\"max_tokens\":2,\"ignore_eos\":true,\"prompt\":["
        for (i = 0; i < 8; i++) { printf i ? ",\"" : "\""; for (k = 0; k < 14000; k++) printf "\\u0001"; printf "\"" } print "]}" }' >much
    mkfifo stuck
    exec 3<>stuck # open, so that curl writes into it until it is full, and then reads no more
    curl -sN "$url/v1/completions" -d @much >stuck 2>/dev/null &
    first=$!
    curl -sN "$url/v1/completions" -d @much >stuck 2>/dev/null &
    client=$!
    wait_until metric_is sft_requests_behind 2
    for i in 1 2 3; do
        is "$(curl -s "$url/v1/completions" -d '{"prompt":"a","max_tokens":3,"ignore_eos":true}' | field finish_reason)" length
    done
    wait_until metric_is sft_requests_behind 2 # for good: what sockets take, they have
    is "$(metric sft_disconnects_total)" 0
    leave
    client=$first
    leave
    wait_until metric_is sft_requests_running 0
    is "$(metric 'sft_kv_pages{state="used"}')" 0
    stop_server
}

# One of 32 answers of 20,000 tokens, one of three tokens: it is answered while the other has not one whole answer.
test_a_small_request_does_not_wait_for_a_large_one() {
    start_server "$(long_model)" --parallel 2
    curl -s "$url/v1/completions" -d '{"prompt":["a","b"],"n":16,"max_tokens":20000,"ignore_eos":true}' >large 2>/dev/null &
    client=$!
    wait_until metric_grows sft_generated_tokens_total 20
    is "$(curl -s "$url/v1/completions" -d '{"prompt":"a","max_tokens":3,"ignore_eos":true}' | field finish_reason)" length
    [ "$(metric sft_generated_tokens_total)" -lt 20000 ] || die 'it has waited'
    leave
    wait_until metric_is sft_requests_running 0
    stop_server
}

# A fingerprint tells what answers to a seed depend on.
test_the_fingerprint_is_of_the_settings_too() {
    for arguments in '' '--set data.template=chatml' '--set data.template=chatml'; do
        start_server "$(trained_model)" $arguments
        echo "$(chat | field system_fingerprint)" >>fingerprints
        stop_server
    done
    is "$(sort fingerprints | uniq | wc -l)" 2
    is "$(sed -n 2p fingerprints)" "$(sed -n 3p fingerprints)"
}

test_a_client_that_leaves_while_waiting() {
    start_server "$(long_model)" --parallel 1
    endless
    first=$client
    wait_until metric_is sft_requests_running 1
    endless
    wait_until metric_is sft_requests_waiting 1
    leave
    wait_until metric_is sft_requests_waiting 0
    metric_is sft_requests_running 1 || die 'the other one is gone, too'
    client=$first
    leave
    wait_until metric_is sft_requests_running 0
    stop_server
}

test_a_client_that_leaves_in_the_middle_of_the_prompt() {
    start_server "$(long_model)"
    awk 'BEGIN { printf "{\"max_tokens\":5,\"prompt\":\""; for (i = 0; i < 20000; i++) printf "%c ", 97 + i % 26; print "\"}" }' >prompt
    curl -s "$url/v1/completions" -d @prompt >answer 2>/dev/null &
    client=$!
    wait_until metric_is sft_requests_running 1
    leave
    wait_until metric_is sft_requests_running 0
    [ ! -s answer ] || die "$(cat answer)"
    is "$(metric sft_generated_tokens_total)" 0
    is "$(metric sft_disconnects_total)" 1
    is "$(metric 'sft_kv_pages{state="used"}')" 0
    stop_server
}

# SIGTERM: what runs is answered, nothing new is taken.
test_it_drains() {
    start_server "$(long_model)" --drain 100
    curl -sN "$url/v1/completions" -d '{"prompt":"a","max_tokens":6000,"ignore_eos":true,"stream":true}' >stream &
    client=$!
    wait_until metric_grows sft_generated_tokens_total 5
    kill "$pid"
    wait_until grep -q '^answering 1 more request, ' log
    expect 7 curl -s "$url/health" # while the other goes on
    kill -0 "$client" || die 'it had ended before'
    finish 0
    wait "$client" || die "the client was cut off"
    is "$(tail -n 2 stream)" 'data: [DONE]'
    is "$(field finish_reason <stream | grep -v null)" length
}

test_the_time_to_drain_ends() {
    start_server "$(long_model)" --drain 0.2
    endless
    wait_until metric_grows sft_generated_tokens_total 5
    stop_server
    wait "$client" || :
    has stream '"code":"shutting_down"'
}

test_a_second_signal_ends_at_once() {
    start_server "$(long_model)"
    endless
    wait_until metric_grows sft_generated_tokens_total 5
    kill "$pid"
    wait_until grep -q 'a second signal ends at once' log
    kill -INT "$pid"
    finish 130
    wait "$client" || :
}

test_a_key() {
    export KEY=opensesame EMPTY=
    start_server "$(trained_model)" --api-key-env KEY
    is "$(curl -s -o answer -w '%{http_code}' "$url/v1/models")" 401
    has answer '"code":"invalid_api_key"'
    is "$(curl -s -o answer -w '%{http_code}' -H 'Authorization: Bearer opensesamE' "$url/v1/models")" 401
    is "$(curl -s -o answer -w '%{http_code}' -H 'Authorization: Bearer opensesame' "$url/v1/models")" 200
    is "$(curl -s -o answer -w '%{http_code}' "$url/health")" 200
    has_not log opensesame
    stop_server
    expect_error 2 '--api-key-env: the variable NO_SUCH_KEY is not set (export it before)' \
        "$SFT" serve "$(trained_model)" --port 0 --api-key-env NO_SUCH_KEY
    expect_error_about 2 'the variable EMPTY is empty' "$SFT" serve "$(trained_model)" --port 0 --api-key-env EMPTY
}

test_what_it_does_not_start_with() {
    mkdir empty
    expect_error_about 1 empty "$SFT" serve empty --port 0
    expect_error_about 2 'expected a model' "$SFT" serve
    expect_error_about 2 '--port: expected 0 to 65535, found 70000' "$SFT" serve "$(trained_model)" --port 70000
    expect_error_about 2 "--host: 'no.such.host.invalid' is no host" "$SFT" serve "$(trained_model)" --host no.such.host.invalid
    expect_error_about 2 '--max-body: expected 1 to 16384 megabytes, found 17592186044417' "$SFT" serve "$(trained_model)" --max-body 17592186044417
    expect_error_about 2 '--parallel: expected 1 or more, found 0' "$SFT" serve "$(trained_model)" --parallel 0
    expect_error_about 2 '--max-queue: expected 1 or more, found 0' "$SFT" serve "$(trained_model)" --max-queue 0
    expect_error_about 2 '--request-timeout: expected seconds above 0, found 0' "$SFT" serve "$(trained_model)" --request-timeout 0
    expect_error_about 2 '--drain: expected seconds from 0 on, found -1' "$SFT" serve "$(trained_model)" --drain -1
    start_server "$(trained_model)"
    expect_error 1 "cannot listen at 127.0.0.1, port ${url##*:}: Address already in use (another --port, or --port 0 for a free one)" \
        "$SFT" serve "$(trained_model)" --port "${url##*:}"
    is "$(chat | field content)" 'The oak.'
    # before the model is read: this one has no weights
    mkdir hollow
    cp "$(trained_model)/config.json" "$(trained_model)"/*token* hollow
    expect_error_about 1 "cannot listen at 127.0.0.1, port ${url##*:}" "$SFT" serve hollow --port "${url##*:}"
    expect_error_about 2 "--host: 'no.such.host.invalid' is no host" "$SFT" serve hollow --host no.such.host.invalid
    expect_error_about 2 'NO_SUCH_KEY is not set' "$SFT" serve hollow --port 0 --api-key-env NO_SUCH_KEY
    stop_server
}

# Only a server needs it, and only a server pays for loading it.
test_without_libmicrohttpd() {
    model=$(trained_model)
    mkdir lib
    echo 'no library' >lib/libmicrohttpd.so.12
    export LD_LIBRARY_PATH="$PWD/lib"
    expect_error_about 1 'cannot be loaded: '"$PWD"'/lib/libmicrohttpd.so.12: file too short (install libmicrohttpd12;' \
        "$SFT" serve "$model" --port 0
    expect 0 "$SFT" info "$model"
}

# A port can be had again at once, connections of the last server or not.
test_the_port_is_free_again() {
    start_server "$(trained_model)"
    port=${url##*:}
    chat >/dev/null
    stop_server
    start_server "$(trained_model)" --port "$port"
    is "$(chat | field content)" 'The oak.'
    stop_server
}

# Many clients for some time: each gets its answers; descriptors and memory are what they were.
test_many_clients() {
    load=$(dirname "$SFT")/bench/bench_server
    [ -x "$load" ] || { echo "SKIP: $load is not there"; return 0; }
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=1" # what is freed is to be free
    start_server "$(trained_model)" --parallel 4
    "$load" "${url#http://}" --clients 50 --seconds 1 --max-tokens 20 >figures || die "$(cat figures)"
    wait_until metric_is sft_connections 1
    descriptors=$(metric process_open_fds) memory=$(metric process_resident_memory_bytes)
    "$load" "${url#http://}" --clients 50 --seconds "${LOAD_SECONDS:-2}" --max-tokens 20 >figures || die "$(cat figures)"
    wait_until metric_is sft_connections 1
    cat figures
    is "$(metric process_open_fds)" "$descriptors"
    holds "$(metric process_resident_memory_bytes) < $memory + 16e6"
    is "$(metric sft_requests_running) $(metric sft_requests_waiting) $(metric sft_disconnects_total)" '0 0 0'
    stop_server
}
