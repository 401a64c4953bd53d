// The page: draws the state that the server sends, and tells the server what people do. It keeps nothing of its own but where one looks.

import { mrkdwn } from "/page/blocks.js";
import { el, face } from "/page/draw.js";
import { Pane } from "/page/pane.js";
import { WORDS, usd } from "/page/words.js";

const $ = (selector) => document.querySelector(selector);
const query = new URLSearchParams(location.search);
const sides = { left: "alice", right: "bob" };
let state = null, source = null, received = 0;
const spoken = WORDS[(query.get("lang") || navigator.language).startsWith("zh") ? "zh" : "en"]; // before a scene says its language
let scene = query.get("scene"), awaited = 0; // states of scenes before the awaited one are not shown

/** Send an action to the server; return what failed, if anything did. */
async function post(verb, said = {}) {
  const reply = await fetch(`/api/${verb}?scene=${scene}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said) });
  const told = await reply.json().catch(() => ({ error: `HTTP ${reply.status}` }));
  if (!reply.ok) console.warn(verb, told);
  if (told.number) awaited = told.number;
  return reply.ok ? told.failed : told.error;
}

$("#curtain span").textContent = spoken.curtain;

const panes = {};
for (const side of ["left", "right"]) {
  panes[side] = new Pane($(`#${side}`), post, (user) => { sides[side] = user; listen(); });
}

function listen() {
  const usual = sides.left === "alice" && sides.right === "bob";
  history.replaceState(null, "", `/?${new URLSearchParams(usual ? { scene } : { scene, ...sides })}`);
  source?.close();
  source = new EventSource(`/api/events?${new URLSearchParams({ scene, ...sides })}`);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) enter().then((entered) => entered && listen()); };
}

/** Take a scene of this tab's own. */
async function enter() {
  const reply = await fetch("/api/enter", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  const told = await reply.json();
  if (reply.ok) [scene, awaited] = [told.scene, told.number];
  else $("#curtain span").textContent = spoken.full;
  return reply.ok;
}

function show(fresh) {
  if (fresh.scene < awaited) return;
  state = fresh;
  received = Date.now();
  const words = WORDS[state.language];
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  document.body.dataset.next = state.story.next;
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = words[one.dataset.word];
  for (const one of document.querySelectorAll("[data-language]")) one.setAttribute("aria-pressed", one.dataset.language === state.language);
  hints(words);
  for (const side of ["left", "right"]) panes[side].show(state, state.panes[side], words);
  strip(words);
  for (const one of document.querySelectorAll("[data-connection]")) {
    const name = one.dataset.connection, on = state.connected[name];
    one.className = `chip ${on ? "on" : "off"}`;
    one.querySelector("span").textContent = on ? words.messengers[name] : words.reconnecting(words.messengers[name]);
    one.title = words.connections[name];
  }
  $("#violations").hidden = !state.violations.length;
  $("#violations").textContent = state.violations.join(" · ");
  $("#fault-duplicate").checked = state.faults.duplicate;
  $("#fault-limit").checked = state.faults.limit;
  $("#faults").classList.toggle("armed", state.faults.duplicate || state.faults.limit);
  turn();
  tick();
  curtain(false);
}

/** On a phone one pane is shown; the switch has a dot where the other person has something new. */
function turn() {
  for (const button of document.querySelectorAll("[data-turn]")) {
    const side = button.dataset.turn, pane = panes[side], shown = document.body.dataset.side === side;
    if (shown) pane.noticed = pane.heard;
    pane.noticed ??= pane.heard;
    button.replaceChildren(el("span", { class: "avatar" }), state.cast.find((one) => one.id === pane.state.person).name);
    face(button.firstChild, state.cast.find((one) => one.id === pane.state.person), state.cast);
    button.setAttribute("aria-pressed", shown);
    button.classList.toggle("unread", pane.heard > pane.noticed);
  }
}

for (const button of document.querySelectorAll("[data-turn]")) button.onclick = () => {
  document.body.dataset.side = button.dataset.turn;
  turn();
  panes[button.dataset.turn].jump();
};

function hints(words) {
  const { hit, helped, passed, lent, looked } = state.story, done = [hit, helped, passed, lent, looked];
  const current = done.indexOf(false), holds = Object.fromEntries(state.cast.map((one) => [one.id, one.messenger]));
  const called = Object.fromEntries(state.cast.map((one) => [one.id, one.name]));
  $("#hints").replaceChildren(...words.hints(holds, called, state.pages).map(([title, text, who], number) => {
    const how = el("p", {}, ...mrkdwn(text, {}));
    for (const code of how.querySelectorAll("code")) code.onclick = () => Object.values(panes).find((pane) => pane.state.person === who)?.begin(code.textContent);
    return el("li", { class: done[number] ? "done" : number === current ? "now" : "" }, el("span", { class: done[number] ? "number tick" : "number" }, done[number] ? "" : String(number + 1)), el("div", {}, el("h2", {}, title), how));
  }));
}

function strip(words) {
  $("#accounts").replaceChildren(...["left", "right"].map((side, number) => {
    const has = state.balances[number], at = state.panes[side].account;
    const over = at.limit !== null && at.spent >= at.limit;
    return el("div", { class: "owner" },
      el("div", { class: "sum" }, el("b", {}, has.name), el("span", { class: over ? "figure bad" : "figure" }, has.available), el("small", {}, words.left)),
      el("div", { class: "chips" }, ...has.accounts.map((one) => el("span", { class: `kind ${one.kind}` }, words.kinds[one.kind], " ", el("b", {}, one.balance)))),
      el("div", { class: "at" }, `${words.gateway}: ${words.spent} ${usd(at.spent)} · ${words.limit_word} `, el("b", {}, usd(at.limit ?? 0))));
  }));
  const end = (one) => [el("span", { class: "whose" }, `${one.owner ? `${one.owner} · ` : ""}${words.kinds[one.kind]}`), el("span", { class: "amount" }, one.amount), el("span", { class: "after" }, `→ ${one.after}`)];
  $("#transfers").replaceChildren(...state.transfers.map((one) => el("div", { class: `transfer ${one.kind}`, "data-id": one.id },
    el("time", {}, moment(one.at)), el("span", { class: "what" }, el("b", {}, words.moves[one.kind]), one.why ? el("small", {}, one.why) : null),
    el("span", { class: "entry out" }, ...end(one.from)), el("span", { class: "entry in" }, ...end(one.to)))));
  $("#wire").replaceChildren(...state.wire.map((one) => el("div", { class: `call ${one.way} ${one.error ? "bad" : ""}` },
    el("span", { class: "arrow" }, one.way === "in" ? "→" : "←"), el("i", { class: one.messenger, title: words.messengers[one.messenger] }), el("span", { class: "name", title: one.what }, one.what), el("span", { title: one.error }, one.error.split(".").at(-1) || String(one.status ?? "–")), el("small", {}, `${Math.round(one.seconds * 1000)} ms`))));
}

const zoned = (options) => new Intl.DateTimeFormat(state.language === "zh" ? "zh-CN" : "en-GB", { timeZone: "Asia/Shanghai", ...options });

function moment(at) {
  const then = new Date(at), now = new Date(state.clock), day = zoned({ day: "numeric", month: "short" });
  return day.format(then) === day.format(now) ? zoned({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(then) : day.format(then);
}

function tick() {
  if (!state) return;
  const now = new Date(Date.parse(state.clock) + Date.now() - received);
  $("#clock").textContent = `${zoned({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(now)} ${WORDS[state.language].at}`;
}

function curtain(down) {
  $("#curtain").hidden = !down;
}

/** The curtain stays down until a state of the new scene has come, or the action has failed. */
async function behindCurtain(verb, said) {
  const before = awaited;
  curtain(true);
  awaited = Infinity;
  const failed = await post(verb, said).catch(() => "failed");
  if (failed) awaited = before;
  if (state && state.scene >= awaited) curtain(false);
}

$("#restart").onclick = () => behindCurtain("restart");
for (const button of document.querySelectorAll("[data-language]")) button.onclick = () => behindCurtain("language", { language: button.dataset.language });
const faults = () => post("faults", { duplicate: $("#fault-duplicate").checked, limit: $("#fault-limit").checked });
$("#fault-duplicate").onchange = faults;
$("#fault-limit").onchange = faults;
$("#fault-disconnect").onclick = () => post("disconnect");
document.addEventListener("click", (event) => { if (!event.target.closest("#faults")) $("#faults").open = false; });
setInterval(tick, 5000);

/** A link may name the language, who is looked at and on which messenger, and how far the story is: /?lang=zh&left=dingtalk:alice&right=slack:bob&step=3. Once played it is an ordinary address. */
async function arrive() {
  if (!scene && !(await enter())) return;
  if (query.has("lang")) await post("language", { language: query.get("lang") });
  for (const side of ["left", "right"]) {
    const [person, messenger] = (query.get(side) || sides[side]).split(":").reverse();
    sides[side] = person;
    if (messenger) await post("pick", { user: person, messenger });
  }
  if (query.has("step")) await post("story", { step: Number(query.get("step")) || 1 });
  listen();
}

arrive();
