// One person's DingTalk: the chat with the bot, the group, and cards.

import { el, face, signs } from "/page/draw.js";
import { markdown } from "/page/markdown.js";

const SLOTS = ["b1", "b2", "b3", "b4"], PAUSE = 5 * 60 * 1000;

export class DingTalk {
  constructor(pane) {
    this.pane = pane;
    pane.find(".thread").hidden = pane.find(".layer").hidden = true;
  }

  get state() { return this.pane.state; }
  get words() { return this.pane.words; }
  get group() { return this.state.groups[0]; }

  tabs() {
    const count = (place) => this.state.messages.filter((one) => one.place === place && one.author !== this.state.viewer).length;
    return [["dm", "quotabot", count(this.state.viewer)], ["design", `${this.group.title} (${this.group.members.length + 1})`, count(this.group.id)]];
  }

  opened() {}
  show() {}

  // ---- messages

  rows(tab) {
    const place = tab === "design" ? this.group.id : this.state.viewer;
    return this.state.messages.filter((one) => one.place === place).map((one) => {
      const card = this.state.cards[one.card];
      return { key: one.id, at: one.said_at * 1000, sign: JSON.stringify([one, card]), draw: () => this.message(one, card, tab) };
    });
  }

  /** A line above a message: when, where time has passed. */
  above(before, at) {
    return before && at - before < PAUSE ? "" : `${this.pane.day(at)} ${this.pane.time(at)}`;
  }

  message(one, card, tab) {
    const cast = this.pane.all.cast, author = cast.find((other) => other.id === one.author), mine = one.author === this.state.viewer;
    const who = el("div", { class: "who" }, author ? author.name : this.state.robot, author ? null : el("span", { class: "app" }, this.words.robot));
    const body = card ? this.card(card) : el("div", { class: "bubble" }, one.way && one.kind !== "text" ? markdown(one.text, this.kit(one)) : this.plain(one));
    return el("article", { class: `message said${mine ? " mine" : ""}${author ? "" : " bot"}` }, face(el("span", { class: "avatar" }), author, cast), el("div", { class: "body" }, tab === "design" && !mine ? who : null, body));
  }

  /** What somebody typed, or the bot said in plain words; in the group names are marked. */
  plain(one) {
    const names = [this.state.robot, ...this.pane.all.cast.map((other) => other.name)].join("|");
    const parts = one.place === this.group.id ? one.text.split(new RegExp(`(@(?:${names})(?![A-Za-z0-9_]))`, "i")) : [one.text];
    const at = one.author ? "" : one.at.map((id) => this.pane.all.cast.find((other) => other.id === id)?.name).map((name) => `@${name} `).join("");
    return el("div", { class: "md" }, at ? el("span", { class: "mention" }, at) : null, ...parts.flatMap((part, number) => (number % 2 ? [el("span", { class: "mention" }, part)] : signs(part))));
  }

  card(card) {
    const has = card.data, kit = this.kit({ at: [] });
    const buttons = SLOTS.filter((slot) => has[`${slot}_shown`] === "true").map((slot) => {
      const press = (event) => this.pane.press(event.currentTarget, { card: card.id, action: has[`${slot}_action`], value: has[`${slot}_value`] });
      return el("button", { type: "button", class: `choice ${slot}`, "data-action": has[`${slot}_action`], onclick: press }, has[`${slot}_text`]);
    });
    return el("div", { class: "card" }, el("header", {}, el("b", {}, ...signs(has.title)), has.tag ? el("span", { class: "tag" }, has.tag) : null), markdown(has.body, kit),
      has.hint_shown === "true" ? el("div", { class: "hint" }, el("small", {}, this.words.only_you), markdown(has.hint, kit)) : null,
      buttons.length ? el("div", { class: "choices" }, ...buttons) : null);
  }

  kit(one) {
    const names = Object.fromEntries(this.pane.all.cast.filter((other) => one.at.includes(other.id)).map((other) => [other.id, other.name]));
    return { names, say: (text) => this.pane.send("say", { text, ...this.where(this.pane.tab) }) };
  }

  // ---- writing

  where(tab) {
    return { place: tab === "design" ? this.group.id : "" };
  }

  placeholder(tab) {
    return tab === "design" ? this.words.in_group : this.words.message("quotabot");
  }

  /** In a chat of two there is nobody to mention. */
  mentionable(tab) {
    return tab === "design" ? ["quotabot", ...this.pane.all.cast.map((one) => one.name)] : [];
  }

  commands() {
    return [];
  }

  /** Ready words above the box. */
  ready(tab) {
    return this.words.sayings(Object.fromEntries(this.pane.all.cast.map((one) => [one.id, one.name])))[tab];
  }
}
