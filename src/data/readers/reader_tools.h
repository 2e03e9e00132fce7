/* Calls of tools as text, in the form that Hermes and Qwen use, which their templates would render:
 *
 *     content
 *     <tool_call>
 *     {"name": "f", "arguments": {"x": 1}}
 *     </tool_call>
 *
 * From OpenAI's "tool_calls": [{"type": "function", "function": {"name", "arguments"}}, ...], whose
 * "function" may be left out and its fields stand in the call itself, and from the older "function_call":
 * {"name", "arguments"}. Arguments are an object or the JSON text of one: either way they are printed as
 * transformers' filter tojson prints them, so that one call has one form. A text that is no JSON stays as it
 * is; no arguments, null and a blank text are {}. */
#ifndef SFT_DATA_READERS_READER_TOOLS_H
#define SFT_DATA_READERS_READER_TOOLS_H

#include "base/json.h"
#include "base/strbuf.h"

/* Does this message hold calls: "tool_calls" with an element, or the older "function_call"? */
bool reader_has_calls(const json *message);

/* Append a message's calls to its text, each a block of its own lines. */
enum sft_status reader_add_calls(const json *message, struct strbuf *text, struct sft_err *err);

/* The same for what a speaker called function_call says: the call itself, {"name": ..., "arguments": ...}. */
enum sft_status reader_add_bare_call(const json *call, struct strbuf *text, struct sft_err *err);

/* Does the row define tools, under "tools" or "functions": a list with an element, or a text of one? */
bool reader_has_tools(const json *row);

#endif
