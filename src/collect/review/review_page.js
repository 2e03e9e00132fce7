// What one does: go through the rows, decide, edit.

const page = {
  state: null,           // what /api/state said last
  rows: [], items: [],   // the list as far as it was read, and its elements
  total: 0, last: 0, isWhole: true, // how many rows it has; the last one that was read; whether that is the end
  more: null,            // a promise while more of it is read
  list: 0, shown: 0,     // how many lists and rows were asked for: answers to older ones come too late
  at: -1, row: null,     // the place in the list, and the row there
  text: null,            // its messages as they are shown
  ahead: null,           // the next row, asked for already: {row, answer}
  isOriginal: false,     // as it was before its edit
  fields: null,          // the text fields while one edits
  isBusy: false,         // a decision is on its way
};
const pageRows = 100;

function say(text) {
  at("said").textContent = text;
}

// ---- the list ----

const choiceIds = ["q", "decision", "kind", "label", "tag", "order"], checkIds = ["disagree"];

function filters() {
  const chosen = new URLSearchParams();
  for (const id of choiceIds) if (at(id).value.trim()) chosen.set(id, at(id).value.trim());
  for (const id of checkIds) if (at(id).checked) chosen.set(id, "1");
  return chosen;
}

function showFilters() {
  const chosen = filters(), isSorted = chosen.get("order") === "loss";
  const n = ["kind", "label", "tag", "disagree"].filter(id => chosen.has(id)).length + (isSorted ? 1 : 0);
  at("more-words").textContent = n ? `More filters (${n})` : "More filters";
  at("more-words").className = n ? "has-some" : "";
}

// A reload of the page comes back to the same list, and the same row.
function keep(what, value) {
  try { sessionStorage.setItem(`${what}:${page.state.file}`, value); } catch { /* full, or off */ }
}

function kept(what) {
  try { return sessionStorage.getItem(`${what}:${page.state.file}`); } catch { return null; }
}

function takeFilters() {
  const chosen = new URLSearchParams(kept("filters") ?? "decision=undecided");
  for (const id of choiceIds) at(id).value = chosen.get(id) ?? "";
  for (const id of choiceIds) if (at(id).selectedIndex === -1) at(id).selectedIndex = 0;
  for (const id of checkIds) at(id).checked = chosen.has(id);
  showFilters();
}

function takeState(answer) {
  page.state = { ...page.state, ...answer };
  showState(page.state);
  showTotal();
  for (const [id, names] of [["kind", page.state.kinds], ["label", page.state.labels], ["tag", page.state.tags]])
    showChoices(id, names ?? []);
  at("order-row").hidden = !page.state.has_losses;
  at("disagree-row").hidden = (page.state.reviewers ?? []).length < 2;
}

function showTotal() {
  const isLeft = at("decision").value === "undecided"; // what is decided stays to be seen, and does not count
  const isDecided = entry => entry.decision && entry.decision !== "skip";
  const gone = isLeft ? page.rows.filter(entry => isDecided(entry) && !entry.isGuest).length : 0;
  const { counts, sample } = page.state;
  const isAllLeft = isLeft && [...filters().keys()].every(id => /^(decision|order)$/.test(id));
  const listed = Math.max(page.total, page.rows.filter(entry => !isLeft || !entry.isGuest).length) - gone;
  const n = !isAllLeft ? listed : sample ? sample.n - sample.decided : counts.undecided + counts.skip;
  const rows = n === 0 ? "no rows" : n === 1 ? "1 row" : `${n} rows`;
  at("total").textContent = gone ? `${rows} left, ${gone} decided` : rows;
}

function makeItem(entry) {
  return showEntry(entry, at("order").value === "loss", () => {
    showSide(false);
    act(() => go(page.rows.indexOf(entry)));
  });
}

// The list anew; an entry that had the focus keeps it.
function showList() {
  const focused = at("rows").contains(document.activeElement) ? document.activeElement.dataset.row : null;
  page.items = page.rows.map(makeItem);
  at("rows").replaceChildren(...page.items);
  if (focused) at("rows").querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
  showCurrent();
  showTotal();
}

function showCurrent() {
  const item = page.items[page.at], before = at("rows").querySelector('[tabindex="0"]');
  if (before) before.tabIndex = -1;
  before?.removeAttribute("aria-current");
  if (page.items.length) (item ?? page.items[0]).firstChild.tabIndex = 0;
  item?.firstChild.setAttribute("aria-current", "true");
  item?.scrollIntoView({ block: "nearest" });
}

// A row's entry follows what was decided on it.
function updateEntry(row) {
  const i = page.rows.findIndex(entry => entry.row === row.row);
  if (i < 0 || !page.items[i]) return;
  page.rows[i].decision = standing(row)?.decision ?? null;
  page.rows[i].others = row.others ?? page.rows[i].others;
  const item = makeItem(page.rows[i]), hadFocus = page.items[i].contains(document.activeElement);
  page.items[i].replaceWith(item);
  page.items[i] = item;
  if (hadFocus) item.firstChild.focus();
  if (i === page.at) showCurrent();
  showTotal();
}

// The list anew, at the row that is `wanted`, or that was shown; else at its first.
async function readRows(wanted) {
  const mine = ++page.list, asked = filters(), was = wanted ?? page.row?.row ?? 0;
  asked.set("n", pageRows);
  const got = await reach(`api/list?${asked}`);
  if (mine !== page.list) return;
  Object.assign(page, { rows: got.rows, total: got.total, last: got.rows.at(-1)?.row ?? 0, at: -1,
                        isWhole: got.rows.length < pageRows });
  page.at = page.rows.findIndex(entry => entry.row === was);
  showList();
  if (wanted) await show(wanted);
  else if (page.rows.length === 0) showEnd();
  else if (page.at < 0) await go(0);
  else showAll();
}

// The next rows of the list. `after` and not a number of rows: what is decided leaves the undecided ones.
async function readNext() {
  const mine = page.list, asked = filters();
  asked.set("n", pageRows);
  asked.set("after", page.last);
  const got = await reach(`api/list?${asked}`);
  if (mine !== page.list) return;
  const current = page.rows[page.at], there = new Set(page.rows.map(entry => entry.row)), top = at("rows").scrollTop;
  page.rows.push(...got.rows.filter(entry => !there.has(entry.row)));
  if (at("order").value !== "loss") page.rows.sort((a, b) => a.row - b.row);
  page.last = got.rows.at(-1)?.row ?? page.last;
  page.isWhole = got.rows.length < pageRows;
  page.at = current ? page.rows.indexOf(current) : page.at;
  showList();
  at("rows").scrollTop = top;
}

function readMore() {
  page.more ??= readNext().finally(() => { page.more = null; });
  return page.more;
}

function excerptOf(row) {
  const messages = row.messages ?? [], first = messages.find(message => message.role === "user") ?? messages[0];
  return String(first?.content ?? "").slice(0, 120);
}

// The place of a row in the list, where it is put if the filters do not let it through.
function placeOf(row) {
  const there = page.rows.findIndex(entry => entry.row === row.row);
  if (there >= 0) {
    page.rows[there].isPassed = false;
    return there;
  }
  const entry = { ...row, decision: standing(row)?.decision ?? null, excerpt: excerptOf(row), isGuest: true };
  let i = at("order").value === "loss" ? page.at : page.rows.findIndex(other => other.row > row.row);
  if (i < 0) i = page.rows.length;
  page.rows.splice(i, 0, entry);
  return i;
}

// ---- the row ----

// My decision, if it holds for the row as it is now.
function standing(row) {
  return row.decision && !row.changed && !row.decision.undone ? row.decision : null;
}

function showNotices(row) {
  at("notices").replaceChildren();
  if (row.error) notice(`This row cannot be read: ${row.error}`, true);
  if (row.changed) notice(`The row has changed since it was ${doneWords[row.decision?.decision] ?? "decided"}.`, false);
}

function showAll() {
  const row = page.row, n = page.isWhole ? page.rows.length : Math.max(page.total, page.rows.length);
  const canEdit = row && !row.error;
  at("empty").hidden = row !== null;
  for (const id of ["accept", "edit"]) {
    at(id).disabled = !canEdit;
    at(id).title = row?.error ? "this row cannot be read" : "";
  }
  for (const id of ["reject", "skip", "tags"]) at(id).disabled = !row;
  if (!row) return;
  showAbout(row, `${page.at + 1} of ${n}`, page.isOriginal, drafts.get(row.row) !== null);
  showMeta(row.meta);
  if (page.fields) return;
  page.text = textOf(row, page.isOriginal);
  showTalk(row, page.text, false, choose);
}

function take(row) {
  const isNew = page.row?.row !== row.row;
  if (isNew) systems.before = systems.now;
  page.row = row;
  if (isNew) page.isOriginal = false;
  showNotices(row);
  showAll();
  if (isNew) at("main").scrollTop = 0;
}

async function rowOf(number) {
  const ahead = page.ahead;
  page.ahead = null;
  return (ahead?.row === number ? await ahead.answer : null) ?? reach(`api/row?row=${number}`);
}

async function go(index) {
  const entry = page.rows[index];
  if (!entry) return;
  closeEdit();
  page.at = index;
  page.row = null; // no key decides a row that is not to be seen yet
  showCurrent();
  const mine = ++page.shown, isAhead = page.ahead?.row === entry.row;
  try {
    const row = await rowOf(entry.row);
    if (mine !== page.shown) return;
    keep("row", row.row);
    take(row);
    if (isAhead) refresh();
    if (!page.isWhole && index + 20 > page.rows.length) readMore();
    lookAhead();
  } catch (error) {
    at("notices").replaceChildren();
    notice(error.message, true);
  }
}

function lookAhead() {
  const next = page.rows[page.at + 1];
  page.ahead = next ? { row: next.row, answer: ask(`api/row?row=${next.row}`).catch(() => null) } : null;
}

// The row that is shown, and the numbers above, as others may have changed them meanwhile.
async function refresh() {
  const row = page.row, mine = page.shown;
  if (page.isBusy || page.fields || document.hidden || back || isAstray()) return;
  try {
    const state = await ask("api/state"), now = row ? await ask(`api/row?row=${row.row}`) : null;
    if (mine !== page.shown || page.isBusy || page.fields || page.row !== row) return;
    if (state.rows > page.state.rows) page.isWhole = false;
    takeState(state);
    if (!now || JSON.stringify(now) === JSON.stringify(row) || document.querySelector(".notice.asks")) return;
    take(now);
    updateEntry(now);
  } catch (error) {
    if (error.isLost) untilBack(error);
  }
}

// The row of this number, whether the filters let it through or not.
async function show(number) {
  page.at = placeOf(await reach(`api/row?row=${number}`));
  showList();
  await go(page.at);
}

async function next() {
  if (page.at + 1 >= page.rows.length && !page.isWhole) await readMore();
  if (page.at + 1 < page.rows.length) await go(page.at + 1);
  else say("That was the last row of this list");
}

function previous() {
  if (page.at > 0) go(page.at - 1);
  else say("That is the first row of this list");
}

// After a decision: the next row that has none, where one works through those; else the next. What was skipped is
// undecided still, but does not come twice.
async function advance() {
  if (at("decision").value !== "undecided") return next();
  const isOpen = entry => (entry.decision === null || entry.decision === "skip") && !entry.isPassed;
  for (;;) {
    let i = page.rows.findIndex((entry, place) => place > page.at && isOpen(entry));
    if (i < 0 && !page.isWhole) {
      await readMore();
      continue;
    }
    if (i < 0) i = page.rows.findIndex(isOpen);
    return i < 0 ? showEnd() : go(i);
  }
}

function showDecision(decision) {
  at("decision").value = decision;
  changeFilters();
}

// Why there is no row, and what can be done about it.
function showNothing(isAll) {
  const q = at("q").value.trim(), decision = at("decision").value, { skip = 0, undecided = 0 } = page.state.counts;
  const isFiltered = ["kind", "label", "tag"].some(id => at(id).value) || at("disagree").checked;
  const actions = element("div", "actions");
  const offer = (said, action) => actions.append(button("plain", said, () => {
    action();
    at("main").focus(); // where keys act
  }));
  if (page.rows.length === 0 && (q || isFiltered)) {
    at("empty").append(element("strong", "", `Nothing matches ${q ? `'${q}'` : "these filters"}`));
    if (decision) {
      at("empty").append(`among ${at("decision").selectedOptions[0].textContent}`);
      offer("Look in all rows", () => showDecision(""));
    }
    offer("Clear search and filters", () => clearFilters(undecided ? "undecided" : ""));
  } else {
    const { accept = 0, edit = 0, reject = 0 } = page.state.counts;
    at("empty").append(element("strong", "", isAll ? "All rows are decided" : "No row is left here"),
      `${accept} accepted, ${edit} edited, ${reject} rejected, ${skip} skipped, ${undecided} undecided`);
    if (isAll) at("empty").append(element("code", "", at("export").textContent));
    offer("Show all rows", () => clearFilters(""));
    if (skip) offer("Show what was skipped", () => clearFilters("skip"));
  }
  at("empty").append(actions);
}

function showEnd() {
  const { counts, sample } = page.state, isAll = counts.undecided === 0 || (sample && sample.decided >= sample.n);
  closeEdit();
  page.shown++;
  Object.assign(page, { row: null, at: page.rows.length });
  keep("row", 0);
  for (const id of ["about", "notices", "talk", "empty"]) at(id).replaceChildren();
  at("meta").hidden = true;
  showNothing(isAll);
  showCurrent();
  showAll();
}

// ---- deciding ----

const essence = messages => JSON.stringify((messages ?? []).map(message => [message.role, message.content]));

function isSameDecision(a, b) {
  const word = d => [d?.decision, d?.reason ?? "", [...(d?.tags ?? [])].sort(),
                     ...["messages", "chosen", "rejected"].map(part => essence(d?.[part]))];
  return JSON.stringify(word(a)) === JSON.stringify(word(b));
}

const withoutPieces = messages => messages.map(({ pieces, ...message }) => message);

// What is shown, as a decision: accepted as it is in the file, or as the edit that it is.
function asShown(text) {
  const row = page.row;
  if (!row.chosen)
    return essence(text.messages) === essence(row.messages)
      ? { decision: "accept" } : { decision: "edit", messages: withoutPieces(text.messages) };
  if (["prompt", "chosen", "rejected"].every(part => essence(text[part]) === essence(row[part])))
    return { decision: "accept" };
  return { decision: "edit", messages: withoutPieces([...text.prompt, ...text.chosen]),
           chosen: withoutPieces(text.chosen), rejected: withoutPieces(text.rejected) };
}

// The row is another one in the file now, or another tab has decided it first: said, and asked what is to stand.
function showConflict(mine, current) {
  if (mine.hash !== current.hash) {
    closeEdit();
    take(current);
    updateEntry(current);
    notice("The file has changed meanwhile: this is the row as it is now. Decide again.", true);
    return;
  }
  page.row = current;
  showNotices(current);
  updateEntry(current);
  showAll();
  const theirs = standing(current);
  const said = theirs ? `${doneWords[theirs.decision]} this row${theirs.reason ? ` (${theirs.reason})` : ""}`
                      : "taken its decision on this row back";
  const line = notice(`Another tab has ${said} meanwhile. Yours, ${doneWords[mine.decision]}, is not saved.`, true,
    ["Leave theirs", () => { drafts.drop(current.row); closeEdit(); showNotices(current); showAll(); advance(); }],
    ["Save mine all the same", () => { showNotices(current); decide({ ...mine, seq: current.seq }); }]);
  line.classList.add("asks");
  line.querySelector("button").focus();
}

// Saves a decision on the row that is shown, and goes on to the next; `stays`: does not.
async function decide(what, stays) {
  const row = page.row;
  if (!row || page.isBusy) return;
  const mine = { row: row.row, seq: row.seq, hash: row.hash, reason: "", tags: row.decision?.tags ?? [], ...what };
  if (await send(mine)) {
    say(`Row ${mine.row} ${stays ? "tagged" : doneWords[mine.decision]}`);
    if (page.row !== row) return;
    if (stays) showAll();
    else await advance();
  }
}

// True where it is on the server's disk.
async function send(mine) {
  page.isBusy = true;
  pending = mine;
  say("");
  document.body.classList.add("is-busy");
  try {
    const answer = await reach("api/decide", mine);
    took(mine, answer);
    return true;
  } catch (error) {
    const current = error.status === 409 ? error.current : null;
    if (page.row?.row !== mine.row) await show(mine.row); // the filters led elsewhere meanwhile
    if (current && isSameDecision(mine, standing(current))) { // said before the server went, or by another tab
      took(mine, { ...(await reach("api/state")), seq: current.seq });
      return true;
    }
    if (current) showConflict(mine, current);
    else showRefusal(error.message);
    return false;
  } finally {
    pending = null;
    page.isBusy = false;
    document.body.classList.remove("is-busy");
  }
}

function took(mine, { seq, ...state }) {
  const row = page.row;
  drafts.drop(mine.row);
  takeState({ ...state, tags: [...new Set([...(page.state.tags ?? []), ...mine.tags])] });
  updateEntry({ row: mine.row, decision: mine });
  for (const entry of page.rows) if (entry.row === mine.row) entry.isPassed = true;
  if (row?.row !== mine.row) return;
  Object.assign(row, { seq, decision: mine, changed: false });
  closeEdit();
}

// A refusal of an edit names the message: "messages[1].content: ...".
function showRefusal(message) {
  for (const old of at("notices").querySelectorAll(".problem")) old.remove();
  notice(message, true);
  if (page.fields) say(editKeys);
  const named = /\[([0-9]+)\]/.exec(message);
  if (page.fields) (page.fields[named ? Number(named[1]) : 0] ?? page.fields[0]).focus();
}

// False, and said, where there is nothing to accept or edit.
function isReadable() {
  if (page.row?.error) say("This row cannot be read: reject it (r) or skip it (s)");
  return Boolean(page.row) && !page.row.error;
}

function accept() {
  if (isReadable()) return decide(asShown(page.text));
}

// The better of two answers; the second takes the first one's place.
function choose(number) {
  const row = page.row;
  if (!row?.chosen || row.error) return;
  const { prompt, chosen, rejected } = page.text;
  return decide(asShown(number === 1 ? page.text : { prompt, chosen: rejected, rejected: chosen }));
}

const skip = () => decide({ decision: "skip" });

const commonReasons = ["wrong or made up", "unsafe", "refuses what is fine", "answers what it should refuse",
                       "does not answer the question", "beside the point", "badly written"];
const ownReasons = [];

async function reject() {
  if (!page.row || page.isBusy) return;
  const row = page.row, given = [...ownReasons, ...(page.state.reasons ?? [])].filter(r => !commonReasons.includes(r));
  const choices = [...commonReasons, ...new Set(given)].slice(0, 9);
  const title = `Why is row ${row.row} rejected?`;
  const picked = await pick({ title, label: "Another reason", done: "Reject", choices });
  if (!picked || page.row?.row !== row.row) return;
  if (!choices.includes(picked[0])) ownReasons.push(picked[0]);
  return decide({ decision: "reject", reason: picked[0] });
}

// Tags belong to a decision: to the one that stands, or to a skip where there is none.
async function tag() {
  if (!page.row || page.isBusy) return;
  const row = page.row, had = row.decision?.tags ?? [];
  const choices = [...new Set([...had, ...(page.state.tags ?? [])])].slice(0, 9);
  const picked = await pick({ title: `Tags of row ${row.row}`, label: "Another tag", done: "Save", choices,
                              chosen: had });
  if (!picked || page.row?.row !== row.row) return;
  const { decision = "skip", reason = "", messages, chosen, rejected } = standing(row) ?? {};
  const text = decision === "edit" ? { messages, chosen, rejected } : {};
  return decide({ decision, reason, ...text, tags: picked }, true);
}

// Not tried again by itself: whether the one whose answer was lost was made is for the reviewer to see.
async function undo() {
  if (page.isBusy) return;
  if (!page.state.can_undo) return say("There is nothing to take back");
  page.isBusy = true;
  try {
    const { counts, sample, can_undo = true, seq_total, ...row } =
      await ask("api/undo", { seq_total: page.state.seq_total });
    page.isBusy = false;
    takeState({ counts, sample, can_undo, seq_total });
    closeEdit();
    page.shown++;
    page.at = placeOf(row);
    take(row);
    updateEntry(row);
    showList();
    say(`The decision on row ${row.row} is taken back`);
    lookAhead();
  } catch (error) {
    say(error.isLost ? "The server did not answer: look whether it was taken back" : error.message);
    if (error.isLost) untilBack(error);
    page.isBusy = false;
    if (error.status === 409) refresh(); // what the other tab did
  } finally {
    page.isBusy = false;
  }
}
