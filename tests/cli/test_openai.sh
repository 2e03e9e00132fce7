# OpenAI's API from outside: requests of every kind against a server that runs.

# ask ENDPOINT BODY: the answer is in the file `answer`, its status in $status.
ask() {
    status=$(curl -sS -o answer -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "$2" "$url/v1/$1")
}

CHAT='"messages":[{"role":"user","content":"Name a tree."}],"temperature":0'

# The same words in one object, in a stream, and as log probabilities' bytes.
test_forms_agree() {
    start_server "$(trained_model)" --precision fp32
    ask chat/completions "{$CHAT,\"logprobs\":true}"
    is "$status" 200
    has answer '"content":"The oak."'
    is "$(grep -o '"token":"[^"]*"' answer | sed 's/"token":"//; s/"$//' | tr -d '\n')" 'The oak.'
    ask chat/completions "{$CHAT,\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
    is "$(sed -n 's/.*"delta":{"content":"\([^"]*\)"}.*/\1/p' answer | tr -d '\n')" 'The oak.'
    is "$(grep -c '^data: ' answer)" "$(grep -c . answer)"
    is "$(tail -n 2 answer)" "data: [DONE]"
    has answer '"choices":[],"usage":{"prompt_tokens":'
    ask chat/completions "{$CHAT,\"stop\":[\"k.\",\"oa\"]}"
    has answer '"content":"The ","refusal":null},"logprobs":null,"finish_reason":"stop"'
    stop_server
}

test_errors() {
    start_server "$(trained_model)" --precision fp32
    ask chat/completions '{"messages":[{"role":"user","content":1}]}'
    is "$status $(cat answer)" '400 {"error":{"message":"messages[0].content: expected a string or a list of parts, found a number","type":"invalid_request_error","param":"messages[0].content","code":null}}'
    ask completions '{"prompt":"'"$(printf '%05000d' 0)"'"}'
    is "$status" 400
    has answer '"param":"prompt","code":"context_length_exceeded"'
    stop_server
}

# Every request of the fuzz target's corpus, and a million messages: an answer or a refusal, and the server lives.
test_corpus_breaks_nothing() {
    start_server "$(trained_model)" --precision fp32
    awk 'BEGIN { printf "{\"messages\":["; for (i = 0; i < 1000000; i++) printf "%s{}", i ? "," : ""; print "]}" }' >million
    for file in "$DATA"/../../fuzz/corpus/openai/* million; do
        for endpoint in chat/completions completions; do
            ask $endpoint "@$file"
            case $status in
            200) ;;
            400) has answer '{"error":{"message":"' ;;
            *) die "$endpoint $file: $status $(cat answer)" ;;
            esac
        done
    done
    ask chat/completions "{$CHAT}"
    has answer '"content":"The oak."'
    stop_server
}
