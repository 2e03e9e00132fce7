// The server, and what happens while it does not answer: nothing that was typed is lost.

let token = new URLSearchParams(location.search).get("token") ?? "";
let back = null;    // a promise while nobody answers
let pending = null; // the decision that has no answer yet

// One request. Where nobody answers, or not to this token, the error says isLost.
async function ask(path, body) {
  const options = { headers: { "X-Review-Token": token }, cache: "no-store" };
  let response, answer = {};
  if (body) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    response = await fetch(path, options);
    answer = await response.json();
  } catch {
    if (!response || response.ok) throw Object.assign(new Error("the server does not answer"), { isLost: true });
  }
  if (response.ok) return answer;
  const error = new Error(answer.error ?? `the server answered ${response.status}`);
  throw Object.assign(error, { status: response.status, isLost: response.status === 403, current: answer.current });
}

// The same, again and again until there is an answer.
async function reach(path, body) {
  for (;;) {
    try {
      return await ask(path, body);
    } catch (error) {
      if (!error.isLost) throw error;
      await untilBack(error);
    }
  }
}

function showLost(error) {
  at("lost-text").textContent = error.status === 403
    ? "The server was started anew: paste the address that it printed. What you typed is kept."
    : "The server does not answer. Start it again with the same command and paste the address it prints; " +
      "what you typed is kept.";
  at("lost").hidden = false;
}

// What is wrong with the address that was pasted.
function sayWrong(text) {
  if (at("lost-wrong").textContent !== text) at("lost-wrong").textContent = text;
  at("lost-wrong").hidden = !text;
}

const isSameReview = (a, b) => a.file === b.file && a.name === b.name;
const reviewWords = ({ file, name }) => `the review of ${file} by ${name}`;

let lookAgain = () => {};

function untilBack(error) {
  showLost(error);
  back ??= new Promise(resolve => {
    let timer = 0;
    lookAgain = async () => {
      clearTimeout(timer);
      try {
        const state = await ask("api/state");
        if (page.state && !isSameReview(state, page.state)) {
          sayWrong(`That is ${reviewWords(state)}, not ${reviewWords(page.state)}.`);
          timer = setTimeout(lookAgain, 1000);
          return;
        }
      } catch (still) {
        if (still.isLost) {
          showLost(still);
          timer = setTimeout(lookAgain, 1000);
          return;
        }
      }
      back = null;
      at("lost").hidden = true;
      sayWrong("");
      history.replaceState(null, "", `?token=${encodeURIComponent(token)}${location.hash}`);
      say("The server is back");
      resolve();
    };
    timer = setTimeout(lookAgain, 1000);
  });
  return back;
}

// ---- drafts: what was typed and is not saved, by row, as long as this tab lives ----

const drafts = {
  kept: new Map(), // where the browser keeps nothing
  name: row => `draft:${page.state.file}:${row}`,
  get(row) {
    try { return JSON.parse(sessionStorage.getItem(this.name(row))); } catch { return this.kept.get(row) ?? null; }
  },
  set(row, draft) {
    this.kept.set(row, draft);
    try { sessionStorage.setItem(this.name(row), JSON.stringify(draft)); } catch { /* full, or off: kept here */ }
  },
  drop(row) {
    this.kept.delete(row);
    try { sessionStorage.removeItem(this.name(row)); } catch { /* off */ }
  },
  all() { // [row, draft] each, also those from before a reload
    const found = new Map(this.kept), start = this.name("");
    try {
      for (const [name, draft] of Object.entries(sessionStorage))
        if (name.startsWith(start)) found.set(Number(name.slice(start.length)), JSON.parse(draft));
    } catch { /* off */ }
    return [...found];
  },
};

// ---- to the new address of a server that was started again ----

// An address as sft review prints it, on this machine: what was typed goes there. Null where the text holds none.
function addressOf(text) {
  let url;
  try { url = new URL(/http:\S+/.exec(text)?.[0] ?? text); } catch { return null; }
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  return url.protocol === "http:" && isHere && url.searchParams.get("token") ? url : null;
}

// What came with moveTo: behind the # until it is taken, so that a reload or the browser's Back lose nothing of it.
function readCarried() {
  if (!location.hash.startsWith("#carried=")) return null;
  try { return JSON.parse(decodeURIComponent(location.hash.slice(9))); } catch { return null; }
}

const dropCarried = () => history.replaceState(null, "", location.search);

// At another port this page is another one to the browser: what was typed goes with it, behind the #, which no server
// sees.
function moveTo(url) {
  const { file, name } = page.state ?? {}, from = `${location.origin}${location.pathname}${location.search}`;
  const carried = readCarried() ??
    (page.state ? { file, name, from, row: page.row?.row, pending, drafts: drafts.all() } : null);
  const behind = carried ? `#carried=${encodeURIComponent(JSON.stringify(carried))}` : "";
  window.removeEventListener("beforeunload", warn);
  location.assign(`${url.origin}${url.pathname}${url.search}${behind}`);
}

const isAstray = () => at("frame").inert;

function takeAddress(text) {
  const url = addressOf(text);
  if (!url) {
    sayWrong("That is no address of sft review: it begins with http://127.0.0.1: and has ?token= in it.");
    return false;
  }
  if (isAstray() && url.origin === location.origin && url.search === location.search) {
    sayWrong("That is the address of this page.");
    return false;
  }
  sayWrong("");
  if (url.origin !== location.origin || isAstray()) {
    moveTo(url);
    return true;
  }
  token = url.searchParams.get("token");
  lookAgain();
  return true;
}

// Rows and keys are held back while it is asked where to go.
function hold(isOn) {
  at("frame").inert = isOn;
  at("bar").inert = isOn;
  at("lost").hidden = !isOn;
}

// What came here belongs to another review than this server's: it is kept, and one may take it where it belongs.
function showAstray(carried) {
  const hasMore = carried.pending || carried.drafts?.length, former = addressOf(carried.from ?? "");
  const fileOf = path => String(path).split("/").at(-1);
  const goOn = () => {
    hold(false);
    at("lost-ways").replaceChildren();
    at("address-words").textContent = "Its new address";
    sayWrong("");
    begin();
  };
  const ways = former ? [button("plain", "Back to its old address", () => moveTo(former))] : [];
  if (fileOf(carried.file) === fileOf(page.state.file) && carried.name === page.state.name)
    ways.push(button("plain", "It is the same file", () => {
      history.replaceState(null, "", `${location.search}#carried=${encodeURIComponent(
        JSON.stringify({ ...carried, file: page.state.file }))}`);
      goOn();
    }));
  ways.push(button("plain", hasMore ? "Discard it, and review here" : "Review here", () => {
    dropCarried();
    goOn();
  }));
  at("lost-text").textContent = `This is ${reviewWords(page.state)}, not ${reviewWords(carried)}.` +
    (hasMore ? " What you typed there is kept: paste the address that its server prints, and it goes there." : "");
  at("address-words").textContent = `Address for ${fileOf(carried.file)}`;
  at("lost-ways").replaceChildren(...ways);
  hold(true);
  at("address").focus();
}

// What came with moveTo and belongs here; null where nothing did.
function takeCarried() {
  const carried = readCarried();
  dropCarried();
  for (const [row, draft] of carried?.drafts ?? []) drafts.set(row, draft);
  return carried;
}

function warn(event) {
  if (drafts.kept.size || pending || readCarried()) event.preventDefault();
}
window.addEventListener("beforeunload", warn);
