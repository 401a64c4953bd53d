// One person's Slack: direct messages with the bot, its Home tab, #design, forms, and what Slackbot says.

import { blocks, prose } from "/page/blocks.js";
import { el, face } from "/page/draw.js";

export class Slack {
  constructor(pane) {
    Object.assign(this, { pane, thread: "", notices: null, view: "" });
    this.reply("");
  }

  get state() { return this.pane.state; }
  get words() { return this.pane.words; }
  get names() { return Object.fromEntries(this.state.people.map((one) => [one.id, one.real_name])); }

  tabs() {
    const count = (wanted) => this.state.messages.filter((one) => wanted(one) && one.user !== this.state.viewer).length;
    return [["dm", "quotabot", count(this.within("dm"))], ["home", this.words.home, 0], ["design", "# design", count(this.within("design"))]];
  }

  within(tab) {
    return tab === "design" ? (one) => one.channel === this.state.design : (one) => one.channel.startsWith("D");
  }

  opened(tab) {
    this.reply("");
    if (tab === "home") this.pane.send("home");
  }

  show() {
    this.form();
    this.notice();
  }

  // ---- messages

  rows(tab) {
    if (tab === "home") return [this.home()];
    const mine = this.state.messages.filter(this.within(tab)), tops = mine.filter((one) => !one.thread_ts || one.thread_ts === one.ts);
    return tops.map((one) => {
      const replies = mine.filter((other) => other.thread_ts === one.ts && other !== one);
      return { key: one.channel + one.ts, at: Number(one.ts) * 1000, sign: JSON.stringify([one, replies]), draw: () => this.message(one, replies) };
    });
  }

  /** A line above a message: each day once. */
  above(before, at) {
    const day = this.pane.day(at);
    return before && this.pane.day(before) === day ? "" : day;
  }

  home() {
    const view = this.state.home;
    const draw = () => el("div", { class: "homepage" }, ...(view ? blocks(view.blocks, this.kit({ view: view.id })) : [el("p", { class: "context" }, this.words.opening)]));
    return { key: "home", sign: view ? view.id + view.hash : "opening", draw };
  }

  message(one, replies) {
    const bot = one.user === this.state.bot, body = el("div", { class: "body" }), name = this.names[one.user] || one.user;
    const avatar = face(el("span", { class: "avatar" }), this.pane.all.cast.find((other) => other.slack === one.user), this.pane.all.cast);
    if (one.ephemeral_for) body.append(el("div", { class: "only" }, this.words.only_you));
    body.append(el("div", { class: "who" }, el("b", {}, name), bot ? el("span", { class: "app" }, this.words.app) : null, el("time", {}, this.pane.time(Number(one.ts) * 1000))));
    body.append(...(one.blocks?.length ? blocks(one.blocks, this.kit(one)) : [prose(one.text, this.names)]));
    if (replies.length) body.append(el("div", { class: "replies" }, ...replies.map((reply) => this.message(reply, []))));
    if (this.pane.tab === "design" && !one.thread_ts && !one.ephemeral_for) body.append(el("button", { type: "button", class: "link", onclick: () => this.reply(one.ts) }, this.words.reply));
    return el("article", { class: `message${one.ephemeral_for ? " ephemeral" : ""}${bot ? " bot" : ""}` }, avatar, body);
  }

  kit(place) {
    const where = place.view ? { view: place.view } : { channel: place.channel, ts: place.ts };
    const act = (one, value, target) => this.pane.press(target, { ...where, action: one.action_id, value: value ?? null });
    return { act, names: this.names, people: this.pane.all.cast, words: this.words };
  }

  // ---- forms and notices

  form() {
    const layer = this.pane.find(".layer"), view = this.state.modals.at(-1);
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
      await this.pane.send("submit", { view: view.id, values });
      button.classList.remove("busy");
    };
    const made = el("form", { class: "modal", onsubmit: submit, noValidate: true }, 
      el("header", {}, face(el("span", { class: "avatar" }), null, []), el("h3", {}, view.title.text), el("button", { type: "button", class: "close", "aria-label": view.close?.text || "×", onclick: () => this.pane.send("close", { view: view.id }) }, "×")),
      el("div", { class: "fill" }, ...blocks(view.blocks, this.kit({ view: view.id }))),
      el("footer", { class: "actions end" }, el("button", { type: "button", class: "button", onclick: () => this.pane.send("close", { view: view.id }) }, view.close?.text || "×"),
        view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null));
    queueMicrotask(() => made.querySelector("input, select, textarea")?.focus({ preventScroll: true }));
    return made;
  }

  notice() {
    const known = this.notices ?? this.state.notices.length;
    for (const one of this.state.notices.slice(known)) this.pane.notice(`Slackbot: ${one.text}`);
    this.notices = this.state.notices.length;
  }

  // ---- writing

  where(tab) {
    return { place: tab === "design" ? this.state.design : "", thread: this.thread };
  }

  placeholder(tab) {
    if (tab === "home") return "";
    return this.thread ? this.words.replying : this.words.message(tab === "design" ? "#design" : "quotabot");
  }

  reply(ts) {
    this.thread = ts;
    const chip = this.pane.find(".thread");
    chip.hidden = !ts;
    if (!ts) return;
    chip.replaceChildren(this.words.replying, el("button", { type: "button", class: "link", onclick: () => this.reply("") }, "×"));
    this.pane.input.focus();
  }

  /** Whom one can mention here, and what one can say. */
  mentionable(tab) {
    return [...this.pane.all.cast.map((one) => one.id), ...(tab === "design" ? ["quotabot"] : [])];
  }

  ready() {
    return [];
  }

  commands(text) {
    return text.startsWith("/") && !this.thread ? this.words.commands : [];
  }
}
