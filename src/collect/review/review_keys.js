// Editing in place, the two dialogs, keys and buttons; and the beginning.

// ---- editing ----

const valuesOf = fields => fields.map(field => field.value);
const isDirty = () => page.fields.some(field => field.value !== lineEnds(field.message.content));

// A field is as high as its text.
function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function showEditing(isOn) {
  at("deciding").hidden = isOn;
  at("editing").hidden = !isOn;
}

const editKeys = "Ctrl Enter saves, Esc leaves";

// `place`: of the message that is to be typed in first; without it the last answer.
function edit(place) {
  const row = page.row;
  if (page.isBusy || page.fields || !isReadable()) return;
  showTalk(row, page.text, true, choose);
  const fields = [...at("talk").querySelectorAll("textarea")], draft = drafts.get(row.row);
  if (fields.length === 0) {
    showAll();
    return say("This row has no text to edit");
  }
  page.fields = fields;
  if (draft?.length === fields.length) fields.forEach((field, i) => { field.value = draft[i]; });
  for (const field of fields) {
    fit(field);
    field.addEventListener("input", () => {
      fit(field);
      if (isDirty()) drafts.set(row.row, valuesOf(page.fields));
      else drafts.drop(row.row);
    });
  }
  const isKept = field => field.message.role === "assistant" && !field.closest(".answer:not(.is-chosen)");
  const first = fields.find(field => field.parentElement === at("talk").querySelectorAll("article")[place]);
  showEditing(true);
  (first ?? fields.findLast(isKept) ?? fields.at(-1)).focus();
  say(draft ? "Your draft of before: Ctrl Enter saves it" : editKeys);
}

function closeEdit() {
  page.fields = null;
  showEditing(false);
}

function leaveEdit() {
  if (!page.fields || page.isBusy) return;
  say(isDirty() ? "The draft is kept: e goes on with it" : "");
  closeEdit();
  showNotices(page.row);
  showAll();
  at("main").focus({ preventScroll: true });
}

function dropEdit() {
  if (!page.fields || page.isBusy) return;
  drafts.drop(page.row.row);
  closeEdit();
  showNotices(page.row);
  showAll();
  say("The draft is discarded");
  at("main").focus({ preventScroll: true });
}

// "the assistant's answer": what a person calls the text of a field.
function nameOf(field) {
  const { role } = field.message, answer = field.closest(".answer");
  if (answer) return `the ${answer.classList.contains("is-chosen") ? "chosen" : "rejected"} answer`;
  return { assistant: "the assistant's answer", system: "the system prompt", user: "the user's message" }[role] ??
    `the ${role}'s message`;
}

function saveEdit() {
  if (!page.fields || page.isBusy) return;
  if (!isDirty()) {
    leaveEdit();
    return say("Nothing was changed: a accepts the row as it stands");
  }
  const empty = page.fields.find(field => !field.value.trim() && field.message.content.trim());
  if (empty) {
    showRefusal(`${nameOf(empty)} is empty: write something, or reject the row`);
    return empty.focus();
  }
  const typed = new Map(page.fields.map(field => [field.message, field.value]));
  const renew = message => {
    const value = typed.get(message);
    return value === undefined || value === lineEnds(message.content) ? message : { ...message, content: value };
  };
  const parts = Object.entries(page.text).map(([part, messages]) => [part, messages.map(renew)]);
  return decide(asShown(Object.fromEntries(parts)));
}

// ---- the dialog that asks for a reason or for tags ----

let picking = null; // {choices, chosen: Set where several may be picked, answer}

function showChoice(choice, i) {
  const b = button("", "", () => pickChoice(choice));
  b.append(element("kbd", "", String(i + 1)), choice);
  if (picking.chosen) b.setAttribute("aria-pressed", String(picking.chosen.has(choice)));
  return element("li", "", b);
}

function showPicking() {
  at("choices").replaceChildren(...picking.choices.map(showChoice));
}

// Null where it was left; else what was picked: one, or with `chosen` any number.
function pick({ title, label, done, choices, chosen }) {
  return new Promise(answer => {
    picking = { choices, chosen: chosen ? new Set(chosen) : null, answer };
    at("picker-title").textContent = title;
    at("picker-label").textContent = label;
    at("picker-go").textContent = done;
    at("picked").value = "";
    at("picker-wrong").hidden = true;
    showPicking();
    at("picker").showModal();
    at("picker").focus();
  });
}

function endPicking(result) {
  const { answer } = picking;
  picking = null;
  at("picker").close();
  answer(result);
}

function pickChoice(choice) {
  if (!picking.chosen) return endPicking([choice]);
  if (!picking.chosen.delete(choice)) picking.chosen.add(choice);
  showPicking();
  at("picker").focus();
}

at("picker").addEventListener("cancel", event => {
  event.preventDefault();
  endPicking(null);
});
at("picker").addEventListener("close", () => { // late, maybe: when the next one is open already
  if (picking && !at("picker").open) endPicking(null);
});
at("picker-leave").addEventListener("click", () => endPicking(null));
at("picker-form").addEventListener("submit", event => {
  event.preventDefault();
  const typed = at("picked").value.trim();
  if (picking.chosen) {
    const tags = typed.split(",").map(tag => tag.trim()).filter(tag => tag);
    return endPicking([...new Set([...picking.chosen, ...tags])]);
  }
  if (typed) return endPicking([typed]);
  at("picker-wrong").hidden = false;
  at("picker").focus(); // where a digit picks, and a letter goes into the field
});
at("picker").addEventListener("keydown", event => {
  if (event.target === at("picked") || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const choice = /^[1-9]$/.test(event.key) ? picking.choices[Number(event.key) - 1] : undefined;
  if (choice !== undefined && !event.repeat) {
    event.preventDefault();
    pickChoice(choice);
  } else if (event.key === "Enter" && event.target === at("picker")) {
    event.preventDefault();
    at("picker-form").requestSubmit();
  } else if (event.key.length === 1 && event.key !== " " && !event.repeat) {
    at("picked").focus(); // and the letter goes there
  }
});

// ---- filters ----

let typing = 0;

function changeFilters() {
  clearTimeout(typing);
  keep("filters", filters());
  showFilters();
  return readRows().catch(error => { at("total").textContent = error.message; });
}

function showSide(isOpen) {
  at("side").classList.toggle("is-open", isOpen);
  at("open-side").setAttribute("aria-expanded", String(isOpen));
}

// Who chose with the mouse goes on with the keys of the page; who chose with keys goes on choosing.
let isPointing = false;
at("filters").addEventListener("pointerdown", () => { isPointing = true; });
at("filters").addEventListener("keydown", () => { isPointing = false; });
for (const id of [...choiceIds.slice(1), ...checkIds])
  at(id).addEventListener("change", () => {
    changeFilters();
    if (isPointing) at("main").focus();
  });

function clearFilters(decision) {
  for (const id of ["q", "kind", "label", "tag"]) at(id).value = "";
  for (const id of checkIds) at(id).checked = false;
  at("order").value = "row";
  at("decision").value = decision;
  return changeFilters();
}
at("no-filters").addEventListener("click", () => clearFilters(at("decision").value));
at("q").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(changeFilters, 200);
});
at("filters").addEventListener("submit", event => {
  event.preventDefault();
  changeFilters().then(() => at("main").focus());
});
at("rows").addEventListener("scroll", () => {
  const list = at("rows");
  if (!page.isWhole && list.scrollHeight - list.scrollTop - list.clientHeight < 400) readMore();
});

at("rows").addEventListener("keydown", event => {
  const item = event.target.closest("li");
  const to = event.key === "ArrowDown" ? item?.nextSibling : event.key === "ArrowUp" ? item?.previousSibling : null;
  if (!to) return;
  event.preventDefault();
  to.firstChild.focus();
});

// ---- keys and buttons ----

function showOriginal() {
  if (page.row?.decision?.decision !== "edit") return say("This row was not edited");
  page.isOriginal = !page.isOriginal;
  showAll();
}

function showMarking() {
  const isOff = document.body.classList.toggle("no-marks");
  showAll();
  say(isOff ? "What is trained on is not marked" : "What is trained on is marked");
}

// A move by key: what was said of another row is no news any more.
const forward = () => { say(""); return next(); };
const backward = () => { say(""); previous(); };
const actions = {
  a: accept, e: () => edit(), r: reject, t: tag, s: skip, u: undo, 1: () => choose(1), 2: () => choose(2),
  j: forward, k: backward, ArrowRight: forward, ArrowLeft: backward, m: showMarking, o: showOriginal,
  "/": () => { showSide(true); at("q").focus(); at("q").select(); },
  "?": () => at("help").showModal(),
};

// While one decision is on its way no other is made.
function act(action) {
  if (page.isBusy) say(`Row ${pending?.row ?? ""} is being saved`);
  else action();
}

// The letter as it is typed; where the keyboard writes other ones, that of the place.
function keyOf(event) {
  const isOther = event.key.length === 1 && event.key > "\u007f" && event.code.startsWith("Key");
  const key = isOther ? event.code.slice(3) : event.key;
  return key.length === 1 ? key.toLowerCase() : key;
}

function onKey(event) {
  if (event.isComposing || document.querySelector("dialog[open]") || isAstray()) return;
  const isField = event.target.matches("input:not([type=checkbox]), textarea, select");
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey;
  if (page.fields && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    saveEdit();
  } else if (event.key === "Escape") {
    showSide(false);
    if (page.fields && !event.target.closest("#filters")) leaveEdit();
    else if (isField) at("main").focus();
  } else if (isPlain && !isField && !page.fields && at("single-keys").checked) {
    const action = actions[keyOf(event)];
    if (!action || event.repeat && action !== forward && action !== backward) return;
    event.preventDefault();
    act(action);
  }
}

document.addEventListener("keydown", onKey);
for (const [id, action] of [["accept", accept], ["reject", reject], ["skip", skip], ["undo", undo], ["tags", tag],
                            ["edit", () => edit()]])
  at(id).addEventListener("click", () => act(action));
at("save").addEventListener("click", saveEdit);
at("leave").addEventListener("click", leaveEdit);
at("drop").addEventListener("click", dropEdit);
at("open-side").addEventListener("click", () => showSide(!at("side").classList.contains("is-open")));
at("open-help").addEventListener("click", () => at("help").showModal());
at("main").addEventListener("click", () => showSide(false));
at("talk").addEventListener("dblclick", event => {
  const turn = event.target.closest("article");
  if (turn && !page.fields) edit([...at("talk").querySelectorAll("article")].indexOf(turn));
});
at("lost-form").addEventListener("submit", event => {
  event.preventDefault();
  const typed = at("address").value.trim();
  if (typed && !takeAddress(typed)) at("address").select();
  else at("address").value = "";
  if (!typed && !isAstray()) lookAgain();
});
window.addEventListener("unhandledrejection", event => notice(event.reason?.message ?? "", true));
document.addEventListener("visibilitychange", refresh);
window.addEventListener("focus", refresh);
setInterval(refresh, 5000);

// ---- the beginning ----

async function begin() {
  try {
    const carried = takeCarried(), number = carried?.row ?? Number(kept("row"));
    takeFilters();
    await readRows(number >= 1 && number <= page.state.rows ? number : undefined);
    if (carried?.pending && page.row?.row === carried.pending.row)
      await decide(carried.pending); // it was on its way when the server went, and came here with the page
  } catch (error) {
    notice(error.message, true);
  }
  at("main").focus();
}

async function start() {
  try {
    takeState(await reach("api/state"));
  } catch (error) {
    return notice(error.message, true);
  }
  const carried = readCarried();
  return carried && !isSameReview(carried, page.state) ? showAstray(carried) : begin();
}
start();
