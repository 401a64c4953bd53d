// One person's Slack: direct messages with the bot, its Home tab, #design, forms, and the box one writes into.

import { blocks, el, prose } from "/page/draw.js";
import { usd } from "/page/words.js";

const COLOURS = ["#6d4aa8", "#b4540a", "#0b6e8f", "#8a3b5c", "#3d6b35", "#7a5c12", "#2f5fb3", "#a33c3c", "#4c6070", "#8c4a9e", "#1f7a6c", "#5b5b8c"];

export class Pane {
  constructor(root, post, choose) {
    root.append(document.querySelector("#pane").content.cloneNode(true));
    Object.assign(this, { root, post, tab: "dm", thread: "", drawn: new Map(), seen: {}, notices: null, view: "" });
    this.find = (selector) => root.querySelector(selector);
    this.find("select").onchange = (event) => { this.forget(); choose(event.target.value); };
    this.find(".spend").onclick = () => this.send("spend");
    for (const tab of root.querySelectorAll("[data-tab]")) tab.onclick = () => this.look(tab.dataset.tab);
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

  forget() {
    this.drawn.clear();
    this.seen = {};
    this.notices = null;
    this.view = "";
    this.reply("");
    this.find(".scroll").replaceChildren();
  }

  send(verb, said = {}) {
    return this.post(verb, { user: this.state.viewer, ...said });
  }

  get channel() {
    return this.tab === "design" ? this.all.design : "";
  }

  // ---- showing

  show(all, state, words) {
    const changed = this.state && (this.state.viewer !== state.viewer || this.all.scene !== all.scene || this.all.language !== all.language);
    if (changed) this.forget();
    Object.assign(this, { all, state, words });
    this.names = Object.fromEntries(state.people.map((one) => [one.id, one.real_name]));
    this.head();
    this.tabs();
    this.body();
    this.form();
    this.notice();
  }

  head() {
    const me = this.all.cast.find((one) => one.id === this.state.viewer), { limit, spent, run } = this.state.account;
    const picker = this.find(".persona select");
    if (picker.options.length === 0) picker.append(...this.all.cast.map((one) => el("option", { value: one.id }, one.name)));
    picker.value = me.id;
    this.find(".persona small").textContent = `${me.role} · ${me.team}`;
    face(this.find(".head .avatar"), me.id, me.name, this.all);
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
    line.replaceChildren(...(run.refused ? [el("b", {}, this.words.stopped(run)), " ", el("code", {}, run.refused)] : [this.words.ran(run)]));
  }

  tabs() {
    const count = { dm: 0, design: 0 };
    for (const one of this.state.messages) count[one.channel === this.all.design ? "design" : "dm"] += one.user === this.state.viewer ? 0 : 1;
    for (const tab of this.root.querySelectorAll("[data-tab]")) {
      const name = tab.dataset.tab;
      tab.setAttribute("aria-selected", name === this.tab);
      if (name === "home") tab.textContent = this.words.home;
      this.seen[name] ??= count[name];
      if (name === this.tab) this.seen[name] = count[name];
      tab.classList.toggle("unread", (count[name] || 0) > this.seen[name]);
    }
    const where = this.tab === "design" ? "#design" : "quotabot";
    this.input.placeholder = this.thread ? this.words.replying : this.words.message(where);
    this.find(".composer").hidden = this.tab === "home";
  }

  look(tab) {
    this.tab = tab;
    this.drawn.clear();
    this.reply("");
    this.find(".scroll").replaceChildren();
    if (tab === "home") this.send("home");
    this.show(this.all, this.state, this.words);
  }

  body() {
    if (this.tab === "home") this.home();
    else this.messages();
  }

  home() {
    const view = this.state.home, scroll = this.find(".scroll"), sign = view ? view.id + view.hash : "opening";
    if (this.drawn.get("home") === sign) return;
    this.drawn.set("home", sign);
    scroll.replaceChildren(el("div", { class: "homepage" }, ...(view ? blocks(view.blocks, this.kit({ view: view.id })) : [el("p", { class: "context" }, this.words.opening)])));
  }

  messages() {
    const scroll = this.find(".scroll"), wanted = this.tab === "design" ? (one) => one.channel === this.all.design : (one) => one.channel.startsWith("D");
    const mine = this.state.messages.filter(wanted), tops = mine.filter((one) => !one.thread_ts || one.thread_ts === one.ts);
    const first = this.drawn.size === 0;
    const rows = [];
    let day = "";
    for (const one of tops) {
      const date = this.day(one.ts);
      if (date !== day) rows.push(this.kept(`day ${date}`, date, () => el("div", { class: "day" }, el("span", {}, date))));
      day = date;
      const replies = mine.filter((other) => other.thread_ts === one.ts && other !== one);
      const row = this.kept(`${one.channel}${one.ts}`, JSON.stringify([one, replies]), () => this.message(one, replies));
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

  message(one, replies) {
    const bot = one.user === this.all.bot, body = el("div", { class: "body" });
    const avatar = face(el("span", { class: "avatar" }), one.user, this.names[one.user] || "?", this.all);
    if (one.ephemeral_for) body.append(el("div", { class: "only" }, this.words.only_you));
    body.append(el("div", { class: "who" }, el("b", {}, this.names[one.user] || one.user), bot ? el("span", { class: "app" }, this.words.app) : null, el("time", {}, this.time(one.ts))));
    body.append(...(one.blocks?.length ? blocks(one.blocks, this.kit(one)) : [prose(one.text, this.names)]));
    if (replies.length) body.append(el("div", { class: "replies" }, ...replies.map((reply) => this.message(reply, []))));
    if (this.tab === "design" && !one.thread_ts && !one.ephemeral_for) body.append(el("button", { type: "button", class: "link", onclick: () => this.reply(one.ts) }, this.words.reply));
    return el("article", { class: `message${one.ephemeral_for ? " ephemeral" : ""}${bot ? " bot" : ""}` }, avatar, body);
  }

  kit(place) {
    const where = place.view ? { view: place.view } : { channel: place.channel, ts: place.ts };
    const act = async (one, value, target) => {
      target.classList.add("busy");
      await this.send("press", { ...where, action: one.action_id, value: value ?? null });
      target.classList.remove("busy");
    };
    return { act, names: this.names, people: this.all.cast, words: this.words };
  }

  zoned(options) {
    return new Intl.DateTimeFormat(this.all.language === "zh" ? "zh-CN" : "en-GB", { timeZone: "Asia/Shanghai", ...options });
  }

  time(ts) {
    return this.zoned({ hour: "2-digit", minute: "2-digit" }).format(new Date(Number(ts) * 1000));
  }

  day(ts) {
    const format = this.zoned({ weekday: "short", day: "numeric", month: "short" }), date = format.format(new Date(Number(ts) * 1000));
    return date === format.format(new Date(this.all.clock)) ? this.words.today : date;
  }

  // ---- forms

  form() {
    const layer = this.find(".layer"), view = this.state.modals.at(-1);
    layer.hidden = !view;
    const sign = view ? view.id + view.hash : "";
    if (view && sign !== this.view) layer.replaceChildren(this.modal(view));
    if (!view) layer.replaceChildren();
    this.view = sign;
    for (const place of layer.querySelectorAll("[data-error]")) place.textContent = view.errors[place.dataset.error] || "";
  }

  modal(view) {
    const submit = async (event) => {
      event.preventDefault();
      const fields = [...event.target.querySelectorAll("[data-block]")];
      const values = Object.fromEntries(fields.filter((one) => one.value).map((one) => [one.dataset.block, one.value]));
      const button = event.target.querySelector("[type=submit]");
      button.classList.add("busy");
      await this.send("submit", { view: view.id, values });
      button.classList.remove("busy");
    };
    const made = el("form", { class: "modal", onsubmit: submit, noValidate: true }, el("h3", {}, view.title.text), ...blocks(view.blocks, this.kit({ view: view.id })),
      el("div", { class: "actions end" }, el("button", { type: "button", class: "button", onclick: () => this.send("close", { view: view.id }) }, view.close?.text || "×"),
        view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null));
    queueMicrotask(() => made.querySelector("input, select, textarea")?.focus({ preventScroll: true }));
    return made;
  }

  notice() {
    const known = this.notices ?? this.state.notices.length;
    for (const one of this.state.notices.slice(known)) {
      const made = el("p", { class: "notice", role: "alert" }, `Slackbot: ${one.text}`);
      this.root.append(made);
      setTimeout(() => made.remove(), 6000);
    }
    this.notices = this.state.notices.length;
  }

  // ---- writing

  reply(ts) {
    this.thread = ts;
    const chip = this.find(".thread");
    chip.hidden = !ts;
    if (!ts) return;
    chip.replaceChildren(this.words.replying, el("button", { type: "button", class: "link", onclick: () => this.reply("") }, "×"));
    this.input.focus();
  }

  say() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.suggest();
    this.low = true;
    this.send("say", { text, channel: this.channel, thread: this.thread });
  }

  key(event) {
    const list = this.find(".suggestions");
    if (event.key === "Escape") list.hidden = true;
    if (event.key === "Tab" && !list.hidden) {
      event.preventDefault();
      list.firstChild.click();
    }
  }

  /** After `@` the colleagues, after `/` the commands. */
  suggest() {
    const text = this.input.value, list = this.find(".suggestions"), mention = /(^|\s)@(\w*)$/.exec(text);
    let rows = [];
    if (mention) {
      const people = [...this.all.cast.map((one) => one.name.toLowerCase()), ...(this.tab === "design" ? ["quotabot"] : [])];
      rows = people.filter((name) => name.startsWith(mention[2].toLowerCase()) && name !== mention[2]).slice(0, 6).map((name) => [`${text.slice(0, text.length - mention[2].length)}${name} `, `@${name}`, ""]);
    } else if (text.startsWith("/") && !this.thread) {
      rows = this.words.commands.filter(([name]) => name.startsWith(text) && name !== text).map(([name, what]) => [name, name, what]);
    }
    list.hidden = !rows.length;
    list.replaceChildren(...rows.map(([whole, name, what]) => el("button", { type: "button", onclick: () => { this.input.value = whole; list.hidden = true; this.input.focus(); } }, el("b", {}, name), el("span", {}, what))));
  }
}

function face(place, id, name, all) {
  const number = all.cast.findIndex((one) => one.id === id);
  place.textContent = number < 0 ? "" : name[0];
  place.classList.toggle("robot", number < 0);
  place.style.background = number < 0 ? "" : COLOURS[number % COLOURS.length];
  return place;
}
