// One person and the messenger they hold: who it is, their agent, tabs, messages, and the box one writes into.

import { DingTalk } from "/page/dingtalk.js";
import { el, face } from "/page/draw.js";
import { Slack } from "/page/slack.js";
import { usd } from "/page/words.js";

const MESSENGERS = { slack: Slack, dingtalk: DingTalk };

export class Pane {
  constructor(root, post, choose) {
    root.append(document.querySelector("#pane").content.cloneNode(true));
    Object.assign(this, { root, post, tab: "dm", held: "", drawn: new Map(), seen: {} });
    this.find = (selector) => root.querySelector(selector);
    this.find(".persona select").onchange = (event) => choose(event.target.value);
    this.find(".spend").onclick = () => this.send("spend");
    for (const one of root.querySelectorAll("[data-pick]")) one.onclick = () => this.send("pick", { messenger: one.dataset.pick });
    this.find(".composer").onsubmit = (event) => { event.preventDefault(); this.say(); };
    const scroll = this.find(".scroll");
    this.low = true; // at the bottom, and to be kept there when the room or what is in it changes
    let height = 0; // a change of the room scrolls, too; only people decide where to look
    scroll.onscroll = () => { if (scroll.clientHeight === height) this.low = scroll.scrollHeight - scroll.scrollTop - height < 60; };
    new ResizeObserver(() => { height = scroll.clientHeight; this.sink(); }).observe(scroll);
    this.input = this.find(".composer input");
    this.input.oninput = () => this.suggest();
    this.input.onkeydown = (event) => this.key(event);
  }

  /** Tell the server what this person does; what failed is said here. */
  async send(verb, said = {}) {
    const failed = await this.post(verb, { user: this.state.person, ...said });
    if (failed) this.notice(this.words.failed);
  }

  async press(target, said) {
    target.classList.add("busy");
    await this.send("press", said);
    target.classList.remove("busy");
  }

  // ---- showing

  show(all, state, words) {
    const held = JSON.stringify([state.person, state.messenger, all.scene, all.language]);
    Object.assign(this, { all, state, words });
    if (held !== this.held) this.start(held);
    this.head();
    this.choose();
    this.messages();
    this.app.show();
  }

  /** Another person, messenger, scene or language: nothing of before is kept but the tab, where there is one. */
  start(held) {
    this.held = held;
    this.root.dataset.messenger = this.state.messenger;
    this.app = new MESSENGERS[this.state.messenger](this);
    const tabs = this.app.tabs();
    if (!tabs.some(([name]) => name === this.tab)) this.tab = "dm";
    this.seen = {};
    this.find(".tabs").replaceChildren(...tabs.map(([name]) => el("button", { type: "button", role: "tab", "data-tab": name, onclick: () => this.look(name) })));
    this.clear();
  }

  clear() {
    this.drawn.clear();
    this.find(".scroll").replaceChildren();
  }

  get me() { return this.all.cast.find((one) => one.id === this.state.person); }

  head() {
    const { cast } = this.all, { me } = this, { limit, spent, run } = this.state.account;
    const picker = this.find(".persona select");
    if (picker.options[0]?.text !== cast[0].name) picker.replaceChildren(...cast.map((one) => el("option", { value: one.id }, one.name)));
    picker.value = me.id;
    this.find(".persona small").textContent = `${me.role} · ${me.team}`;
    face(this.find(".head .avatar"), me, cast);
    for (const one of this.root.querySelectorAll("[data-pick]")) {
      one.textContent = this.words.messengers[one.dataset.pick];
      one.setAttribute("aria-pressed", one.dataset.pick === this.state.messenger);
    }
    this.find(".figures").textContent = `${usd(spent)} ${this.words.of} ${usd(limit ?? 0)}`;
    const part = limit ? Math.min(1, spent / limit) : 1, bar = this.find(".bar i");
    bar.style.width = `${part * 100}%`;
    bar.className = part >= 1 ? "full" : part > 0.9 ? "near" : "";
    const button = this.find(".spend");
    button.disabled = Boolean(run?.running);
    button.textContent = run?.running ? this.words.working : this.words.spend;
    this.ran(run);
  }

  ran(run) {
    const line = this.find(".run"), told = run && !run.running;
    line.hidden = !told;
    if (!told) return;
    line.className = run.refused ? "run refused" : "run passed";
    line.replaceChildren(...(run.refused ? [el("b", {}, this.words.stopped(run, this.me.name)), el("code", { title: run.refused }, `HTTP ${run.status} ${run.refused}`)] : [this.words.ran(run)]));
  }

  choose() {
    for (const [name, label, count] of this.app.tabs()) {
      const tab = this.find(`[data-tab=${name}]`);
      tab.textContent = label;
      tab.setAttribute("aria-selected", name === this.tab);
      this.seen[name] ??= count;
      if (name === this.tab) this.seen[name] = count;
      tab.classList.toggle("unread", count > this.seen[name]);
    }
    const placeholder = this.app.placeholder(this.tab);
    this.input.placeholder = placeholder;
    this.find(".composer").hidden = !placeholder;
    const ready = this.app.ready(this.tab), place = this.find(".ready"), sign = ready.join();
    place.hidden = !sign;
    if (place.dataset.sign !== sign) place.replaceChildren(...ready.map((words) => el("button", { type: "button", onclick: () => this.fill(words) }, words)));
    place.dataset.sign = sign;
  }

  look(tab) {
    this.tab = tab;
    this.clear();
    this.app.opened(tab);
    this.show(this.all, this.state, this.words);
  }

  messages() {
    const scroll = this.find(".scroll"), first = this.drawn.size === 0, rows = [];
    let before = 0;
    for (const one of this.app.rows(this.tab)) {
      const line = one.at ? this.app.above(before, one.at) : "";
      if (line) rows.push(this.kept(`above ${one.key}`, line, () => el("div", { class: "day" }, el("span", {}, line))));
      before = one.at;
      const row = this.kept(one.key, one.sign, one.draw);
      if (!first && row.fresh) row.classList.add("fresh");
      rows.push(row);
    }
    if (!rows.length) rows.push(this.kept("empty", "", () => el("p", { class: "context" }, this.words.empty)));
    const same = rows.length === scroll.children.length && rows.every((row, number) => row === scroll.children[number]);
    if (!same) scroll.replaceChildren(...rows);
    if (first) this.low = true;
    if (!same) this.sink();
    for (const row of rows) row.fresh = false;
  }

  /** How many messages of others this person has. */
  get heard() {
    return this.app.tabs().reduce((sum, [, , count]) => sum + count, 0);
  }

  /** Show the chat with the bot, at the newest card that waits for a press. */
  jump() {
    if (this.tab !== "dm") this.look("dm");
    const buttons = this.root.querySelectorAll(".scroll [data-action^='request.approve'], .scroll [data-action^='borrow.']");
    this.low = !buttons.length;
    const scroll = this.find(".scroll"), card = buttons.length && [...buttons].at(-1).closest(".message");
    if (card) scroll.scrollTop += card.getBoundingClientRect().top - scroll.getBoundingClientRect().top - 12;
    else this.sink();
  }

  sink() {
    const scroll = this.find(".scroll");
    if (this.low && this.tab !== "home") scroll.scrollTop = scroll.scrollHeight;
  }

  /** What was drawn stays while it is the same, so that nothing flickers and nobody clicks on what just went. */
  kept(key, sign, draw) {
    const known = this.drawn.get(key);
    if (known?.sign === sign) return known.row;
    const row = draw();
    row.fresh = true;
    this.drawn.set(key, { sign, row });
    return row;
  }

  notice(text) {
    const made = el("p", { class: "notice", role: "alert" }, text);
    this.root.append(made);
    setTimeout(() => made.remove(), 6000);
  }

  zoned(options) {
    return new Intl.DateTimeFormat(this.all.language === "zh" ? "zh-CN" : "en-GB", { timeZone: "Asia/Shanghai", ...options });
  }

  time(at) {
    return this.zoned({ hour: "2-digit", minute: "2-digit" }).format(new Date(at));
  }

  day(at) {
    const format = this.zoned({ weekday: "short", day: "numeric", month: "short" }), date = format.format(new Date(at));
    return date === format.format(new Date(this.all.clock)) ? this.words.today : date;
  }

  // ---- writing

  say() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.find(".suggestions").hidden = true;
    this.low = true;
    this.send("say", { text, ...this.app.where(this.tab) });
  }

  /** Words for the chat with the bot, from elsewhere on the page. */
  begin(text) {
    if (this.tab !== "dm") this.look("dm");
    this.fill(text);
  }

  fill(text) {
    this.input.value = text;
    this.input.focus();
  }

  key(event) {
    const list = this.find(".suggestions");
    if (event.key === "Escape") list.hidden = true;
    if (event.key === "Tab" && !list.hidden) {
      event.preventDefault();
      list.firstChild.click();
    }
  }

  /** After `@` the colleagues; else what one can say here. */
  suggest() {
    const text = this.input.value, list = this.find(".suggestions"), mention = /(^|\s)@([^\s@]*)$/.exec(text);
    let rows = [];
    if (mention) {
      const begun = mention[2].toLowerCase(), before = text.slice(0, text.length - begun.length);
      rows = this.app.mentionable(this.tab).filter((name) => name.toLowerCase().startsWith(begun) && name.toLowerCase() !== begun).slice(0, 6).map((name) => [`${before}${name} `, `@${name}`, ""]);
    } else {
      rows = this.app.commands(text).filter(([name]) => name.startsWith(text) && name !== text).map(([name, what]) => [name, name, what]);
    }
    list.hidden = !rows.length;
    list.replaceChildren(...rows.map(([whole, name, what]) => el("button", { type: "button", onclick: () => { this.input.value = whole; this.input.focus(); list.hidden = true; } }, el("b", {}, name), el("span", {}, what))));
  }
}
