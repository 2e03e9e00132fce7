"use strict";
// How things look. Whatever comes from a file becomes text of an element here, and never markup.

const at = id => document.getElementById(id);

function element(name, parts, ...children) {
  const e = document.createElement(name);
  if (parts) e.className = parts;
  e.append(...children);
  return e;
}

function button(parts, text, action) {
  const b = element("button", parts, text);
  b.type = "button";
  b.addEventListener("click", action);
  return b;
}

const doneWords = { accept: "accepted", edit: "edited", reject: "rejected", skip: "skipped" };
const doneSigns = { accept: "✓", edit: "✎", reject: "✗", skip: "↷" };
const isGood = decision => decision === "accept" || decision === "edit";
const percent = share => `${Math.round(share * 100)}%`;

// ---- text ----

// Control characters, and what turns text round or has no width: a reviewer must see that they are there.
// Tags (U+E0000 on) can hold whole instructions that a model reads.
const unseen = new RegExp("([\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f" +
                          "\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f" +
                          "\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}])", "u");

function addText(parent, text) {
  const name = sign => `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  text.split(unseen).forEach((part, i) => parent.append(i % 2 ? element("span", "unseen", name(part)) : part));
}

// As the model sees it, or where that is not to be marked the content alone.
function piecesOf(message) {
  const text = typeof message.content === "string" ? message.content : JSON.stringify(message.content ?? "");
  const isPlain = document.body.classList.contains("no-marks");
  return message.pieces && !isPlain ? message.pieces : [{ text, trained: false }];
}

// An edited message has no pieces of its own: it is trained on where the one that it replaced was.
function withPieces(messages, original) {
  return messages.map((message, i) => {
    const was = original?.[i];
    if (message.pieces || !was?.pieces) return message;
    if (message.content === was.content) return { ...message, pieces: was.pieces };
    return { ...message, pieces: [{ text: message.content, trained: was.pieces.some(piece => piece.trained) }] };
  });
}

const lineEnds = text => text.replace(/\r\n?/g, "\n"); // as a text field has them

function showField(message, where) {
  const field = document.createElement("textarea");
  field.value = message.content;
  field.dir = "auto";
  field.spellcheck = true;
  field.setAttribute("aria-label", `${message.role}: ${where}`);
  field.message = message;
  return field;
}

// The system prompt of the row that was shown before, and of this one: where it is the same it is folded.
const systems = { before: null, now: null };

function showSystem(message, body) {
  const details = element("details", "", element("summary", "role", "System"), body);
  const words = piecesOf(message).map(piece => piece.text).join("");
  details.open = words !== systems.before;
  if (!details.open) details.firstChild.textContent = "System, the same as before";
  systems.now = words;
  return details;
}

function showRaw(text) {
  const raw = element("div", "more");
  addText(raw, text);
  return raw;
}

// One message; `where` names it ("messages[2]"), with `isField` to be typed in.
function showMessage(message, where, isField) {
  const known = ["system", "user", "assistant", "tool"].includes(message.role);
  const turn = element("article", `turn ${known ? message.role : "other"}`);
  const canEdit = isField && typeof message.content === "string";
  const body = canEdit ? showField(message, where) : element("div", "text");
  turn.setAttribute("aria-label", message.role);
  if (!canEdit) {
    body.dir = "auto";
    for (const piece of piecesOf(message)) {
      const run = element("span", piece.trained ? "trained" : "");
      addText(run, piece.text);
      body.append(run);
    }
  }
  if (message.role === "system" && !isField) turn.append(showSystem(message, body));
  else turn.append(element("div", "role", message.role), body);
  const { role, content, pieces, ...rest } = message;
  if (Object.keys(rest).length) turn.append(showRaw(JSON.stringify(rest)));
  return turn;
}

const showMessages = (messages, name, isField) =>
  messages.map((message, i) => showMessage(message, `${name}[${i}]`, isField));

// What stands: the row as its file has it, or as it was edited. A preference row has prompt, chosen and rejected.
function textOf(row, original) {
  const own = row.decision?.decision === "edit" && !row.changed && !original ? row.decision : null;
  if (!row.chosen) return { messages: own?.messages ? withPieces(own.messages, row.messages) : row.messages };
  const prompt = row.prompt ?? [];
  if (!own?.chosen) return { prompt, chosen: row.chosen, rejected: row.rejected };
  const before = own.messages ? own.messages.slice(0, own.messages.length - own.chosen.length) : prompt;
  return { prompt: withPieces(before, prompt), chosen: withPieces(own.chosen, row.chosen),
           rejected: withPieces(own.rejected, row.rejected) };
}

function showAnswer(number, name, messages, isField, choose) {
  const side = element("section", number === 1 ? "answer is-chosen" : "answer");
  const head = button("plain", "", choose);
  head.append(element("kbd", "", String(number)), ` ${name}`);
  head.disabled = isField;
  side.setAttribute("aria-label", `Answer ${number}, ${name}`);
  side.append(head, ...showMessages(messages, name, isField));
  return side;
}

function showTalk(row, text, isField, choose) {
  const show = part => showMessages(text[part] ?? [], part, isField);
  at("sheet").classList.toggle("has-pair", Boolean(text.chosen));
  at("talk").classList.toggle("is-edited", isField);
  if (row.error) at("talk").replaceChildren(showRaw(row.text ?? ""));
  else if (!text.chosen) at("talk").replaceChildren(...show("messages"));
  else
    at("talk").replaceChildren(...show("prompt"), element("div", "pair",
      showAnswer(1, "chosen", text.chosen, isField, () => choose(1)),
      showAnswer(2, "rejected", text.rejected, isField, () => choose(2))));
}

// ---- about a row ----

function pill(decision) {
  return element("span", `pill ${decision}`, `${doneSigns[decision] ?? ""} ${doneWords[decision] ?? decision}`);
}

// What was asked for and what the judge hears: a refusal that complies, an answer that refuses.
function isOdd(kind, label) {
  return Boolean(kind && label) && ["answer", "look_alike", "refusal"].includes(kind) &&
    (kind === "refusal") !== /_refusal$/.test(label);
}

const words = name => name.replaceAll("_", " ");
const labelWords = { compliance: "answers", partial_refusal: "refuses in part", full_refusal: "refuses" };
const sayLabel = label => labelWords[label] ?? words(label);

function labelChip(row, parts) {
  const chip = element("span", parts, `judge: ${sayLabel(row.label)}`);
  chip.title = `What a rule-based judge says of the last answer, which may be wrong: ${row.label} (docs/judging.md)`;
  return chip;
}

function showOthers(row) {
  const notes = element("p", "notes");
  for (const other of row.others ?? []) {
    const differs = row.decision && row.decision.decision !== "skip" && other.decision !== "skip" &&
      isGood(other.decision) !== isGood(row.decision.decision);
    const said = `${doneWords[other.decision] ?? other.decision}${other.reason ? `: ${other.reason}` : ""}`;
    if (notes.childNodes.length) notes.append(" · ");
    notes.append(element("b", "", other.name), " ", element("span", differs ? "odd" : "", said),
                 other.tags?.length ? ` (${other.tags.join(", ")})` : "");
  }
  return notes;
}

function showAbout(row, position, original, hasDraft) {
  const about = [element("h2", "", `Row ${row.row}`), element("span", "faint", position)];
  const odd = isOdd(row.kind, row.label) ? "chip odd" : "chip"; // asked for the one, and judged to be the other
  if (hasDraft) about.push(element("span", "chip odd", "unsaved draft"));
  if (row.kind) about.push(element("span", odd, words(row.kind)));
  if (row.label) about.push(labelChip(row, odd));
  if (typeof row.loss === "number") about.push(element("span", "chip", `loss ${row.loss.toFixed(2)}`));
  for (const tag of row.decision?.tags ?? []) about.push(element("span", "chip tag", tag));
  const mine = row.decision;
  if (mine && !mine.undone && !row.changed) about.push(pill(mine.decision));
  if (original) about.push(element("span", "chip odd", "as it was before the edit"));
  const notes = showOthers(row);
  if (mine?.reason && !row.changed) notes.prepend(`${mine.reason}${notes.childNodes.length ? " · " : ""}`);
  if (notes.childNodes.length) about.push(notes);
  at("about").replaceChildren(...about);
}

function showMeta(meta) {
  const list = [];
  for (const [key, value] of Object.entries(meta ?? {})) {
    const said = element("dd");
    addText(said, typeof value === "string" ? value : JSON.stringify(value));
    list.push(element("dt", "", key), said);
  }
  at("meta").hidden = list.length === 0;
  at("meta-list").replaceChildren(...list);
}

// A line above the conversation, with what can be done about it: [words, action] each.
function notice(text, isProblem, ...actions) {
  const line = element("div", isProblem ? "notice problem" : "notice", element("p", "", text));
  line.setAttribute("role", isProblem ? "alert" : "status");
  for (const [said, action] of actions) line.append(button("plain", said, action));
  at("notices").append(line);
  return line;
}

// ---- the list, the head ----

const shellWord = text => /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

function showMarks(entry, byLoss) {
  const marks = element("span", "mark");
  const others = (entry.others ?? []).map(other => other.decision).filter(decision => decision !== "skip");
  const all = entry.decision && entry.decision !== "skip" ? [entry.decision, ...others] : others;
  if (all.some(isGood) && !all.every(isGood)) {
    const sign = element("span", "mark odd", "≠ ");
    sign.title = "the reviewers disagree";
    marks.append(sign);
  }
  if (byLoss && typeof entry.loss === "number") marks.append(element("span", "mark loss", `${entry.loss.toFixed(2)} `));
  if (entry.decision) {
    const sign = element("span", `mark ${entry.decision}`, doneSigns[entry.decision] ?? "");
    sign.setAttribute("role", "img");
    sign.setAttribute("aria-label", doneWords[entry.decision] ?? entry.decision);
    marks.append(sign);
  }
  return marks;
}

function showEntry(entry, byLoss, open) {
  const b = button("", "", open), excerpt = element("span", entry.excerpt ? "excerpt" : "excerpt none");
  addText(excerpt, entry.error ? "cannot be read" : entry.excerpt || "nothing said");
  b.append(element("span", "number", String(entry.row)), excerpt, showMarks(entry, byLoss));
  b.tabIndex = -1; // the list is one stop of Tab, at the row that is shown
  b.dataset.row = entry.row;
  return element("li", "", b);
}

function showState(state) {
  const { accept = 0, edit = 0, reject = 0, skip = 0 } = state.counts, decided = accept + edit + reject;
  const sample = state.sample, n = sample ? sample.n : state.rows;
  const parts = sample ? [sample.good - sample.edited, sample.edited, sample.decided - sample.good]
                       : [accept, edit, reject];
  at("file").textContent = state.file;
  at("who").textContent = `reviewed by ${state.name}`;
  document.title = `${decided}/${state.rows} ${state.file}`;
  const done = parts.reduce((sum, part) => sum + part, 0);
  [...parts, n - done].forEach((part, i) => { at("track").children[i].style.flexGrow = part; });
  at("track").setAttribute("aria-valuemax", n);
  at("track").setAttribute("aria-valuenow", done);
  at("track").title = `${accept} accepted, ${edit} edited, ${reject} rejected, ${skip} skipped`;
  const rate = sample?.ci95 ? `, ${percent(sample.rate)} good (${sample.ci95.map(percent).join(" to ")})` : "";
  at("done").textContent = sample ? `${sample.decided} of ${sample.n}` : `${decided} of ${state.rows}`;
  at("done").append(element("span", "wide", sample ? ` in the sample${rate}` : " decided"));
  at("undo").disabled = !state.can_undo;
  const warning = state.warning ? `${state.warning}. These are the rows as they were before.` : "";
  if (at("warning").textContent !== warning) at("warning").textContent = warning;
  at("warning").hidden = !warning;
  const name = shellWord(state.file), kept = shellWord(`${state.file.replace(/\.jsonl$/, "")}-kept.jsonl`);
  at("export").textContent = `sft review ${name} --export ${kept}`;
}

// The choices of a filter, the chosen one kept; the filter is hidden where there is nothing to choose.
function showChoices(id, names) {
  const wordsOf = id === "label" ? sayLabel : words;
  const select = at(id), kept = select.value, all = kept && !names.includes(kept) ? [...names, kept] : names;
  if (all.length !== select.options.length - 1 || all.some((name, i) => select.options[i + 1].value !== name)) {
    select.replaceChildren(select.options[0], ...all.map(name => new Option(wordsOf(name), name)));
    select.value = kept;
  }
  at(`${id}-row`).hidden = all.length === 0;
}
