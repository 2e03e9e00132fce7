#!/usr/bin/env python3
"""Talk to `sft serve` with the official openai client and with LangChain's, and compare with `sft generate`.

usage: openai_peers.py SFT ASSETS [MODEL]   (SFT: the program; needs openai and langchain-openai; ASSETS is not used;
                                             MODEL: checkpoints/base)
Every check prints a line where it fails; exit 1 at the end if one did.
"""
import asyncio, concurrent.futures, json, os, re, subprocess, sys, tempfile, traceback

try:
    import openai
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
    from langchain_openai import ChatOpenAI, OpenAI as LangChainCompletion
except ImportError as e:
    print(f"SKIP: openai_peers: {e} (pip install openai langchain-openai)")
    sys.exit(0)

SFT = os.path.abspath(sys.argv[1])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODEL = sys.argv[3] if len(sys.argv) > 3 else os.path.join(ROOT, "checkpoints", "base")
KEY = "a-key-for-this-test"
HI = [{"role": "user", "content": "Hello"}]
checks = []


def check(f):
    checks.append(f)
    return f


def same(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what} found {found!r}, expected {wanted!r}")


def raises(kind, code, param, call, **arguments):
    """The call fails with this class of the client's, and OpenAI's fields."""
    try:
        call(**arguments)
    except kind as e:
        same((e.code, e.param), (code, param), f"{arguments}")
        assert e.message and e.body["message"], e.body
        return e
    raise AssertionError(f"{arguments}: no {kind.__name__}")


def generate(*flags, **row):
    out = subprocess.run([SFT, "generate", "--model", MODEL, "--json", "--temperature", "0", *flags],
                         input=json.dumps(row) + "\n", capture_output=True, text=True, check=True).stdout
    return json.loads(out)


class Server:
    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([SFT, "serve", MODEL, "--port", "0", "--precision", "fp32", "--api-key-env",
                                         "SFT_TEST_KEY"], stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "SFT_TEST_KEY": KEY})
        for line in self.process.stderr:
            ready = re.search(r"serving (.*) at (http://\S+)", line)
            if ready:
                self.model, self.url = ready.groups()
                return self
        sys.exit("the server has ended before it was ready")

    def __exit__(self, *_):
        self.process.terminate()
        same(self.process.wait(60), 0, "exit code of the server:")


# ---- the official client: chat ----

@check
def chat_is_what_generate_says(client, model):
    answer = client.chat.completions.create(model=model, messages=HI, temperature=0, max_tokens=12)
    wanted = generate("--max-new-tokens", "12", messages=HI)
    same(answer.choices[0].message.content, wanted["messages"][-1]["content"])
    same(answer.choices[0].finish_reason, wanted["finish_reason"])
    same(answer.usage.completion_tokens, len(wanted["tokens"]))
    same(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
    same((answer.object, answer.model, answer.choices[0].message.role), ("chat.completion", model, "assistant"))
    assert answer.id.startswith("chatcmpl-") and answer.system_fingerprint


@check
def chat_in_a_stream_is_the_same(client, model):
    ask = dict(model=model, messages=HI, temperature=0, max_tokens=12)
    whole = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    same("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), whole.choices[0].message.content)
    same(chunks[0].choices[0].delta.role, "assistant")
    same([c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason],
         [whole.choices[0].finish_reason])
    same(chunks[-1].choices, [])
    same(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
    same([c.usage for c in chunks[:-1]], [None] * (len(chunks) - 1))
    same(len({c.id for c in chunks}), 1, "ids:")
    without = list(client.chat.completions.create(**ask, stream=True))
    assert all(c.choices for c in without)


@check
def several_choices(client, model):
    ask = dict(model=model, messages=HI, temperature=1, max_tokens=8, n=3, seed=7)
    whole = client.chat.completions.create(**ask)
    texts = [c.message.content for c in whole.choices]
    same([c.index for c in whole.choices], [0, 1, 2])
    assert len(set(texts)) > 1, texts
    streamed = ["", "", ""]
    for chunk in client.chat.completions.create(**ask, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    same(streamed, texts)


@check
def a_seed_gives_the_same_again(client, model):
    ask = dict(model=model, messages=HI, temperature=1, max_tokens=16)
    texts = [client.chat.completions.create(**ask, seed=seed).choices[0].message.content for seed in (5, 5, 6)]
    same(texts[0], texts[1])
    assert texts[0] != texts[2], texts
    free = {client.chat.completions.create(**ask).choices[0].message.content for _ in range(4)}
    assert len(free) > 1, free


@check
def a_seed_does_not_depend_on_who_else_asks(client, model):
    def ask(seed):
        return client.chat.completions.create(model=model, messages=HI, temperature=1, max_tokens=24,
                                              seed=seed).choices[0].message.content
    alone = [ask(seed) for seed in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        same(list(pool.map(ask, range(8))), alone)


@check
def stop_strings_end_an_answer(client, model):
    ask = dict(model=model, messages=HI, temperature=0, max_tokens=24)
    text = client.chat.completions.create(**ask).choices[0].message.content
    stop = text[3:5]
    for stops in (stop, [stop, "never said \u20ac"]):
        choice = client.chat.completions.create(**ask, stop=stops).choices[0]
        same((choice.message.content, choice.finish_reason), (text[:text.index(stop)], "stop"))
        stream = client.chat.completions.create(**ask, stop=stops, stream=True)
        same("".join(c.choices[0].delta.content or "" for c in stream), text[:text.index(stop)])


@check
def logprobs_of_a_chat(client, model):
    ask = dict(model=model, messages=HI, temperature=0, max_tokens=6, logprobs=True, top_logprobs=3)
    choice = client.chat.completions.create(**ask).choices[0]
    content = choice.logprobs.content
    same(b"".join(bytes(t.bytes) for t in content).decode(errors="replace"), choice.message.content)
    for token in content:
        same(len(token.top_logprobs), 3)
        same(token.top_logprobs[0].logprob, token.logprob) # greedy: the likeliest
        assert token.top_logprobs == sorted(token.top_logprobs, key=lambda t: -t.logprob) and token.logprob <= 0
    streamed = []
    for chunk in client.chat.completions.create(**ask, stream=True):
        if chunk.choices[0].logprobs:
            streamed += chunk.choices[0].logprobs.content
    same([(t.token, t.logprob) for t in streamed], [(t.token, t.logprob) for t in content])
    plain = client.chat.completions.create(model=model, messages=HI, max_tokens=2, logprobs=True).choices[0]
    assert all(t.top_logprobs == [] for t in plain.logprobs.content)
    same(client.chat.completions.create(model=model, messages=HI, max_tokens=2).choices[0].logprobs, None)


@check
def messages_of_every_form(client, model):
    messages = [{"role": "developer", "content": "Be short."},
                {"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "2+2?"}]},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 2, \"b\": 2}"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "4"},
                {"role": "user", "name": "me", "content": "So?"}]
    tools = [{"type": "function", "function": {"name": "add", "parameters": {}}}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=tools, tool_choice="auto", max_tokens=3)
    assert answer.choices[0].message.content is not None


@check
def biases_and_penalties_count(client, model):
    ask = dict(model=model, messages=HI, temperature=0, max_tokens=8)
    plain = client.chat.completions.create(**ask).choices[0].message.content
    banned = generate("--max-new-tokens", "1", messages=HI)["tokens"][0]
    other = client.chat.completions.create(**ask, logit_bias={str(banned): -100}).choices[0].message.content
    assert other != plain, plain
    client.chat.completions.create(**ask, presence_penalty=1, frequency_penalty=-1,
                                   extra_body={"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2, "unknown": [1]})


# ---- completions ----

@check
def completions_are_what_generate_says(client, model):
    answer = client.completions.create(model=model, prompt="Once upon a time", temperature=0, max_tokens=10)
    wanted = generate("--raw", "--max-new-tokens", "10", prompt="Once upon a time")
    same(answer.choices[0].text, wanted["completion"])
    same(answer.usage.completion_tokens, len(wanted["tokens"]))
    stream = client.completions.create(model=model, prompt="Once upon a time", temperature=0, max_tokens=10, stream=True)
    same("".join(c.choices[0].text for c in stream), wanted["completion"])
    same(client.completions.create(model=model, prompt="Once", temperature=0).usage.completion_tokens <= 16, True)


@check
def prompts_in_lists(client, model):
    ask = dict(model=model, temperature=0, max_tokens=5)
    alone = [client.completions.create(**ask, prompt=p).choices[0].text for p in ("The sun", "A cat")]
    both = client.completions.create(**ask, prompt=["The sun", "A cat"])
    same([c.text for c in both.choices], alone)
    echoed = client.completions.create(**ask, prompt=["The sun", "A cat"], echo=True, n=2)
    same([c.text for c in echoed.choices], ["The sun" + alone[0]] * 2 + ["A cat" + alone[1]] * 2)
    ids = client.completions.create(**ask, prompt=[[1, 2, 3], [4]])
    same([c.index for c in ids.choices], [0, 1])


@check
def logprobs_of_completions(client, model):
    choice = client.completions.create(model=model, prompt="The sun", temperature=0, max_tokens=5, logprobs=2).choices[0]
    found = choice.logprobs
    same("".join(found.tokens), choice.text)
    same(found.text_offset[0], len("The sun"))
    same([round(max(top.values()), 6) for top in found.top_logprobs], [round(x, 6) for x in found.token_logprobs])
    assert all(found.tokens[i] in found.top_logprobs[i] for i in range(len(found.tokens)))


@check
def the_best_of(client, model):
    ask = dict(model=model, prompt="The sun", temperature=1, seed=3, max_tokens=4)
    every = client.completions.create(**ask, n=4, logprobs=0).choices
    ranked = sorted(every, key=lambda c: -sum(c.logprobs.token_logprobs) / len(c.logprobs.token_logprobs))
    if all(c.finish_reason == "length" for c in every): # end tokens count too, and are not listed
        same(client.completions.create(**ask, n=1, best_of=4).choices[0].text, ranked[0].text)


# ---- models, errors ----

@check
def models_are_listed(client, model):
    same([m.id for m in client.models.list()], [model])
    same(client.models.retrieve(model).id, model)
    raises(openai.NotFoundError, "model_not_found", "model", client.models.retrieve, model="no/such-model")


@check
def errors_have_their_class(client, model):
    chat, text = client.chat.completions.create, client.completions.create
    raises(openai.BadRequestError, None, "messages[0].role", chat, model=model, messages=[{"role": "bot", "content": "x"}])
    raises(openai.BadRequestError, None, "messages", chat, model=model, messages=[])
    raises(openai.BadRequestError, None, "temperature", chat, model=model, messages=HI, temperature=3)
    raises(openai.BadRequestError, None, "n", chat, model=model, messages=HI, n=1000)
    raises(openai.BadRequestError, None, "messages[0].content[0].type", chat, model=model, messages=[
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}])
    raises(openai.BadRequestError, "context_length_exceeded", "messages", chat, model=model,
           messages=[{"role": "user", "content": "word " * 100000}])
    raises(openai.BadRequestError, "context_length_exceeded", "prompt", text, model=model, prompt=[1] * 50000)
    raises(openai.BadRequestError, None, "messages", chat, model=model,
           messages=[{"role": "user", "content": "x"}] * 5000)
    raises(openai.BadRequestError, None, "messages[0].role", chat, model=model, messages=[{"content": "x"}], stream=True)
    for key in ("wrong", KEY + "x", KEY[:-1]):
        stranger = openai.OpenAI(base_url=client.base_url, api_key=key, max_retries=0)
        raises(openai.AuthenticationError, "invalid_api_key", None, stranger.chat.completions.create, model=model, messages=HI)
    raw = client.chat.completions.with_raw_response.create(model=model, messages=HI, max_tokens=1)
    assert raw.headers["content-type"].startswith("application/json") and raw.parse().choices


@check
def asynchronous_clients(client, model):
    async def run():
        async with openai.AsyncOpenAI(base_url=client.base_url, api_key=KEY) as c:
            async def one(i):
                stream = await c.chat.completions.create(model=model, messages=HI, temperature=0, max_tokens=10 + i % 3,
                                                         stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            return await asyncio.gather(*[one(i) for i in range(12)])
    texts = asyncio.run(run())
    for i in range(3):
        same(set(texts[i::3]), {texts[i]})


@check
def a_client_may_leave(client, model):
    for _ in range(5):
        stream = client.chat.completions.create(model=model, messages=HI, max_tokens=1000, stream=True,
                                                extra_body={"ignore_eos": True})
        next(iter(stream))
        stream.close()
    same(len(client.chat.completions.create(model=model, messages=HI, max_tokens=1).choices), 1)


# ---- LangChain ----

def chain(client, model, **more):
    return ChatOpenAI(base_url=str(client.base_url), api_key=KEY, model=model, temperature=0, max_retries=0, **more)


@check
def langchain_invokes_and_streams(client, model):
    llm = chain(client, model, max_tokens=12, stream_usage=True)
    answer = llm.invoke([SystemMessage("Be kind."), HumanMessage("Hello")])
    chunks = list(llm.stream([SystemMessage("Be kind."), HumanMessage("Hello")]))
    same("".join(c.content for c in chunks), answer.content)
    usage = [c.usage_metadata for c in chunks if c.usage_metadata]
    same(usage[-1]["output_tokens"], answer.usage_metadata["output_tokens"])
    same(answer.response_metadata["finish_reason"] in ("stop", "length"), True)
    batch = llm.batch(["Hello", "Good morning"])
    same(len(batch), 2)


@check
def langchain_stops_and_binds(client, model):
    llm = chain(client, model, max_tokens=24)
    text = llm.invoke("Hello").content
    same(llm.invoke("Hello", stop=[text[3:5]]).content, text[:text.index(text[3:5])])
    scored = llm.bind(logprobs=True, top_logprobs=2).invoke("Hello")
    same(len(scored.response_metadata["logprobs"]["content"][0]["top_logprobs"]), 2)
    two = ChatOpenAI(base_url=str(client.base_url), api_key=KEY, model=model, n=2, max_tokens=4).generate([[HumanMessage("Hi")]])
    same(len(two.generations[0]), 2)


@check
def langchain_tools_are_taken(client, model):
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b
    llm = chain(client, model, max_tokens=4).bind_tools([add])
    said = [HumanMessage("2+2?"), AIMessage("", tool_calls=[{"name": "add", "args": {"a": 2, "b": 2}, "id": "1"}]),
            ToolMessage("4", tool_call_id="1")]
    assert llm.invoke(said).content is not None


@check
def langchain_completions(client, model):
    llm = LangChainCompletion(base_url=str(client.base_url), api_key=KEY, model=model, temperature=0, max_tokens=6, best_of=1)
    text = llm.invoke("Once upon a time")
    same("".join(llm.stream("Once upon a time")), text)
    result = llm.generate(["Once upon a time", "The sun"])
    same(result.generations[0][0].text, text)
    same(len(result.generations), 2)
    assert result.llm_output["token_usage"]["total_tokens"] > 0


failed = 0
with Server() as server:
    same(os.path.basename(os.path.realpath(server.model)) != "", True)
    client = openai.OpenAI(base_url=server.url + "/v1", api_key=KEY, max_retries=0)
    name = client.models.list().data[0].id
    for f in checks:
        if os.environ.get("ONLY", "") not in f.__name__: # ONLY=langchain: these alone
            continue
        try:
            f(client, name)
        except Exception:
            failed += 1
            print(f"{f.__name__}:\n{traceback.format_exc(limit=-2)}", flush=True)
print(f"openai_peers: {len(checks)} checks, {failed or 'none'} failed "
      f"(openai {openai.__version__})")
sys.exit(1 if failed else 0)
