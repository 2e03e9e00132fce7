#!/usr/bin/env python3
"""Write tests/golden/jinja.json: what Jinja2, set up as transformers sets it up, makes of small templates.

usage: golden_jinja.py [ASSETS]       (run in the repository's root; needs transformers and jinja2)
       golden_jinja.py --cases OUT TEMPLATE...   (of these files: for tests/peers)

A case has the template, its variables (else those of the file), and the text and the spans of {% generation %} in bytes, or no text where it
raises. With --cases the variables are conversations of many shapes, and a case may be unknown to our interpreter where
tools are given.
"""
import json
import os
import sys

import jinja2
import transformers
from transformers.utils import chat_template_utils

M = [{"role": "user", "content": " Hi\n"}, {"role": "assistant", "content": "Yo "}, {"role": "user", "content": "x"}]
PLAIN = {"messages": M, "tools": None, "s": " a<b>a ", "n": 7, "l": [3, 1, 2], "d": {"k": "v", "items": "w"}, "e": "",
         "t": True, "u": "na\u00efve \u00e9t\u00e9\u3000", "bos_token": "<s>"}

EXPRESSIONS = """
s|s.strip()|s | trim|s.lstrip() + '.'|s.rstrip() ~ '.'|s.split('a')|s.split('a')[1]|s.split('a')|length|s.split('a', 1)[1]
s.replace('a', 'b')|s|replace('a', '')|s|length|u|length|u[1:4]|u[::-1]|u[-1]|u|trim ~ '.'|u.strip() ~ '.'|s[99]|s[99] is defined
s.startswith(' a')|s.endswith('a')|s.startswith(('x', ' '))|'b' in s|'z' not in s|s.find('b')|s.find('zz')|u.find('t')
s.strip(' a')|'xxhixx'.strip('x')|s.upper()|'aBC dE'.title()|'hello World'|capitalize|'a-b'.split('-')|last|s.removeprefix(' a')
n|n + 1|n - 10|n * 3|n // 2|n % 4|-n // 2|-n % 4|-n|n == 7|n != 7|n < 8 < 9|1 < 2 > 1|n >= 7 and n <= 7|not n|n or 1|0 or 'x'
n ~ 'x' ~ t ~ none ~ missing|1 + 2 * 3 ~ 4|(1, 2)[1]|[1, 2][-1]|[1, 2][5]|l[0]|l[1:]|length|l[::-1][0]|l[:2]|last|l|first
l|join(', ')|['a', 'b']|join|l|length > 2|2 in l|[]|first|d.k|d['k']|d.missing|d['missing']|d.missing.x|d.items is callable
d['items']|d.get('k')|d.get('x')|d.get('x', 3)|'k' in d|'z' in d|d|length|d.keys()|list|first|d|items|length|d|tojson|l|tojson
d|tojson(indent=2)|'a"b\\n'|tojson|u|tojson|none|tojson|true|tojson|{'a': [1, {'b': none}]}|tojson|{}|tojson|[]|tojson(indent=4)
missing|missing is defined|missing is undefined|missing + 'x'|missing.x|missing['x']|missing|default('y')|(e) | default('y', true)
e or 'empty'|missing|length|missing == missing|'x' in missing|'x' in none|none + 'x'|'x' + 1|'x' + none|1 + '1'|none
s is string|n is string|none is none|n is number|t is boolean|t is true|n is true|d is mapping|l is mapping|s is iterable
n is iterable|l is sequence|d is sequence|missing is iterable|n is odd|n is even|n is divisibleby 7|n is divisibleby(3)
n is eq 7|n is equalto 8|n is not none|not n is none|'a' is in s|3 is in(l)|'a' if t else 'b'|'a' if not t|('a' if not t) is defined
'a' 'b' ~ 'c'|'\\n\\t\\\\\\'"'|"\\x41\\u00e9"|'\\d'|messages[0].content|messages[0]['role']|messages[-1].role|messages[9]
messages[9].role|messages[0].tool_calls|messages[0].tool_calls is defined|messages|length|messages[1:]|length|messages[::-1][0].content
messages | selectattr('role', 'equalto', 'user') | list | length|messages|map(attribute='role')|join(',')
messages | rejectattr('role', 'equalto', 'user') | map(attribute='content') | first|l|select('odd')|list|length
l|map('string')|join('-')|range(3)|list|length|range(1, 9, 3)|join(',')|range(5, 0, -2)|join(',')|strftime_now('%d %b %Y, %A %B')
namespace(a=1).a|dict(a=2).a|raise_exception('no')|nofunction()|s|nofilter|none.x|l.x|'%'|s|string|7|int|[1, 2] + [3]|length
true|false|True|None is none|1 == true|'a' < 'b'|'a' < 1|(1, 2) == (1, 2)|[1] == (1,)|'a' ~ (1 if n > 3 else 2)|not 'a' == 'b'
'abc'[1]|'abc'[-1:]|'abc'[:-1]|'abc'['x']|l['x']|d[0]|d.k.x|d.k.x.y|none or none|'x' and 'y'|'' and 'y'
messages[0].content|trim|messages[0].content | trim + '.'|'a' + 'b' | upper|n | string + 'x'|-1 | string
"""
STATEMENTS = [
    "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{% endfor %}",
    "{% for m in messages %}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem.role }}-{{ loop.nextitem.role }};{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content }}{% endfor %}",
    "{% for m in missing %}x{% else %}none{% endfor %}", "{% for c in 'a\u00e9b' %}{{ c }}.{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }};{% endfor %}",
    "{% for (k, v) in d | items %}{{ k }}={{ v }};{% endfor %}", "{% for a, b in l %}{% endfor %}",
    "{% for x in n %}{% endfor %}", "{% for x in none %}{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}",
    "{% for i in l %}{% set y = i %}{% endfor %}{{ y }}", "{% if t %}{% set y = 2 %}{% endif %}{{ y }}",
    "{% set ns = namespace(x=0, y='') %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.z }}",
    "{% set d.k = 1 %}", "{% set missing.k = 1 %}", "{% set a, b = 1, 2 %}{{ a + b }}", "{% set a, b = l %}", "{% set a = 1, %}{{ a[0] }}",
    "{% set x %}a{{ n }}b{% endset %}{{ x | length }}", "{% if e %}a{% elif n > 9 %}b{% elif t %}c{% else %}d{% endif %}",
    "{% if e %}a{% else %}d{% endif %}", "{% if e %}a{% elif e %}b{% endif %}.",
    "{% macro m(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ m('x') }}{{ m('x', 'y') }}{{ m(b=1, a=2) }}{{ m() }}",
    "{% macro m(a) %}{% if a %}{{ a }}{{ m(a - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ messages | length }}{% set n = 3 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}{{ m() | length }}",
    "a\n{% if t %}\nb\n{% endif %}\nc\n", "a\n  {% if t %}  \n b\n  {% endif %}\nc\n\n", "  {{ n }}\n  {{ n }}\n",
    "a {%- if t -%} b {%- endif -%} c", "a\n{%- if t %}\n b{% endif -%}\n\n c", "a \n {{- n -}} \n b", "a{#- c -#} b", "a\n  {# c #}\n  b",
    "a\n  {%+ if t %}b{% endif +%}\nc", "a  {% if t %}b{% endif %}", "{% if t %}\n\nb{% endif %}", "\n{% if t %}b{% endif %}", "a\r\nb\r{% if t %}\r\nc{% endif %}",
    "{{ n }}  {% if t %}b{% endif %}", "{{ n -}}\n  {% if t %}b{% endif %}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ '}}' }}{{ '%}' }}", "{ { % }", "",
    "\n", "{{ messages[0]['content'] | trim + '<|eot|>' }}", "{{ 'x' + messages[0]['content'] | trim + 'y' }}", "{{- bos_token }}\n{%- if t %}x{% endif %}\n",
    "{% for m in messages %}{{ '<' + m.role + '>' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}|{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "{%- for m in messages -%}{%- generation -%}\n \u00e9{{ m.content }} {% endgeneration %}{%- endfor -%}",
    "{% generation %}{% set q = 1 %}{{ q }}{% endgeneration %}{{ q }}", "{% set x = 'a' if e else 'b' %}{{ x }}{% set messages = messages[1:] %}{{ messages | length }}",
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = message['content'] | trim %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}",
    "{% for m in messages %}{% for x in l %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}", "{{ loop }}{{ loop.index }}", "{% for x in l %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = x %}{{ x }}", "{{ ns.x if ns is defined else 'no' }}", "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('x') }}{% endif %}{% endfor %}ok",
    "{% if 'z' in x.y %}{% endif %}", "{{ messages[0].role|upper }}", "{{ (messages|first).role }}", "{{ (s|trim)|length }}", "{{ s.split('a')[0].split('<')[-1] ~ '.' }}",
]


def environment(template):
    return chat_template_utils._compile_jinja_template(template)


class Clock(chat_template_utils.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12)


def in_bytes(text, span):
    return [len(text[:at].encode()) for at in span]


def case(template, variables, **more):
    """None where Jinja2 itself says that the template is none."""
    made = {"template": template, **({} if variables is PLAIN else {"variables": variables}), **more}
    try:
        text, spans = chat_template_utils._render_with_assistant_indices(
            environment(template), variables.get("messages", []), variables.get("tools"), None,
            variables.get("add_generation_prompt", False),
            **{k: v for k, v in variables.items() if k not in ("messages", "tools", "add_generation_prompt")})
        made["text"], made["spans"] = text, [in_bytes(text, span) for span in spans]
    except jinja2.TemplateSyntaxError:
        return None
    except Exception as error:
        made["raises"] = type(error).__name__
    return made


def write(path, cases):
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"versions": f"jinja2 {jinja2.__version__}, transformers {transformers.__version__}",
                   "variables": PLAIN, "cases": []}, out, ensure_ascii=False)
        out.seek(out.tell() - len("]}"))
        out.write(",".join("\n" + json.dumps(c, ensure_ascii=False) for c in cases if c) + "\n]}\n")


# ---- golden values ----

def own_cases():
    """An expression may hold |, so a line's parts are joined as long as they are no expression of their own."""
    for line in EXPRESSIONS.strip().split("\n"):
        parts = line.split("|")
        for i in range(len(parts)):
            for k in range(i + 1, min(len(parts), i + 4) + 1):
                expression = "|".join(parts[i:k]).strip()
                made = case("{{ " + expression + " }}", PLAIN)
                shown = made and "text" in made and made["text"].lstrip()[:1] not in ("[", "{", "(", "<") \
                    and not made["text"].startswith(("dict_", "range("))
                if made and (shown or ("raises" in made and k == i + 1)):
                    yield made
    for template in STATEMENTS:
        yield case(template, PLAIN)


# ---- cases of templates that others wrote, made at run time ----

CONTENTS = ["", " ", "Hi", " a b\n", "\n\nx\t", "\u00a0y\u3000", "<think>\nr\n</think>\n\nok", "</think>", "<think>z", "/no_think",
            "/think x", "/system_override q", "<tool_response>a</tool_response>", "na\u00efve \U0001f642 \"q\" {{ x }}"]
SHAPES = ["u", "ua", "sua", "uaua", "suaua", "s", "a", "au", "uu", "uaa", "usua", "uas", "ssu", "uat", "uatta", "uatua", "tu", "sa", "suuaa"]
ROLES = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}


def template_cases(template):
    n = 0
    for shape in SHAPES:
        for first in range(len(CONTENTS)):
            messages = [{"role": ROLES[r], "content": CONTENTS[(first + 5 * i) % len(CONTENTS)]} for i, r in enumerate(shape)]
            for prompt in (False, True):
                n += 1
                tools = [TOOL] if n % 7 == 0 else None
                yield case(template, {"messages": messages, "tools": tools, "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": prompt},
                           may_be_unknown=tools is not None or any("\u00ef" in m["content"] for m in messages))


def main():
    chat_template_utils.datetime = Clock
    if sys.argv[1:2] == ["--cases"]:
        cases = []
        for path in sys.argv[3:]:
            with open(path, encoding="utf-8") as file:
                cases += template_cases(file.read())
        write(sys.argv[2], cases)
    else:
        write("tests/golden/jinja.json", list(own_cases()))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    main()
