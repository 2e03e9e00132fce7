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
    ? "The server was started anew and wants its new address. What you typed is kept."
    : "The server does not answer. What you typed is kept, and is sent when it is back.";
  at("lost").hidden = false;
}

let lookAgain = () => {};

function untilBack(error) {
  showLost(error);
  back ??= new Promise(resolve => {
    let timer = 0;
    lookAgain = async () => {
      clearTimeout(timer);
      try {
        await ask("api/state");
      } catch (still) {
        if (still.isLost) {
          showLost(still);
          timer = setTimeout(lookAgain, 1000);
          return;
        }
      }
      back = null;
      at("lost").hidden = true;
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
};

// ---- to the new address of a server that was started again ----

// At another port this page is another one to the browser: what was typed goes with it, behind the #, which no server
// sees.
function moveTo(url) {
  const carried = { file: page.state.file, row: page.row?.row, pending, drafts: [...drafts.kept] };
  window.removeEventListener("beforeunload", warn);
  location.assign(`${url.origin}${url.pathname}${url.search}#carried=${encodeURIComponent(JSON.stringify(carried))}`);
}

function takeAddress(text) {
  let url;
  try { url = new URL(text); } catch { return false; }
  const given = url.searchParams.get("token");
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname); // drafts go along with it
  if (!given || url.protocol !== "http:" || !isHere) return false;
  if (url.origin !== location.origin) {
    moveTo(url);
    return true;
  }
  token = given;
  history.replaceState(null, "", `?token=${encodeURIComponent(token)}`);
  lookAgain();
  return true;
}

// What came with moveTo; null where nothing did.
function takeCarried() {
  const text = location.hash.startsWith("#carried=") ? location.hash.slice(9) : null;
  if (text === null) return null;
  history.replaceState(null, "", location.search);
  try {
    const carried = JSON.parse(decodeURIComponent(text));
    if (carried.file !== page.state.file) return null;
    for (const [row, draft] of carried.drafts) drafts.set(row, draft);
    return carried;
  } catch {
    return null;
  }
}

function warn(event) {
  if (drafts.kept.size || pending) event.preventDefault();
}
window.addEventListener("beforeunload", warn);
