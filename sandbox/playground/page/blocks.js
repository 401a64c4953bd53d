// Slack's blocks as elements.

import { el, signs } from "/page/draw.js";

const NAMED = { ":white_check_mark:": "✅", ":x:": "❌", ":warning:": "⚠️", ":hourglass:": "⌛", ":pray:": "🙏", ":tada:": "🎉" };
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const unescape = (text) => text.replace(/&(?:lt|gt|amp);/g, (found) => ENTITIES[found]);
const words = (text) => signs(unescape(text).replace(/:[a-z_]+:/g, (name) => NAMED[name] || name));

const INLINE = [
  [/```([\s\S]+?)```/, (found) => el("pre", {}, unescape(found[1]))],
  [/`([^`\n]+)`/, (found) => el("code", {}, unescape(found[1]))],
  [/<([^<>]+)>/, (found, names) => reference(found[1], names)],
  [/(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)/, (found, names) => el("b", {}, ...mrkdwn(found[1], names))],
  [/(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)/, (found, names) => el("i", {}, ...mrkdwn(found[1], names))],
  [/(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?!\w)/, (found, names) => el("s", {}, ...mrkdwn(found[1], names))],
];

/** One line of mrkdwn; the first mark that begins wins. */
export function mrkdwn(text, names) {
  let first = null;
  for (const [pattern, draw] of INLINE) {
    const found = pattern.exec(text);
    if (found && (!first || found.index < first.found.index)) first = { found, draw };
  }
  if (!first) return words(text);
  const { found, draw } = first;
  return [...words(text.slice(0, found.index)), draw(found, names), ...mrkdwn(text.slice(found.index + found[0].length), names)];
}

function reference(inside, names) {
  const [target, label] = inside.split("|");
  if (target.startsWith("@")) return el("span", { class: "mention" }, `@${names[target.slice(1)] || label || target.slice(1)}`);
  if (target.startsWith("#")) return el("span", { class: "mention" }, `#${label || target.slice(1)}`);
  if (/^(https?|mailto):/.test(target)) return el("a", { href: target, rel: "noreferrer", target: "_blank" }, unescape(label || target));
  return document.createTextNode(unescape(label || target));
}

export function prose(text, names) {
  const made = el("div", { class: "prose" });
  let quote = null;
  for (const line of text.split("\n")) {
    const quoted = /^(&gt;|>) ?/.exec(line);
    if (quoted) {
      if (!quote) made.append(quote = el("blockquote"));
      quote.append(el("div", {}, ...mrkdwn(line.slice(quoted[0].length), names)));
    } else {
      quote = null;
      made.append(el("div", {}, ...(line ? mrkdwn(line, names) : [el("br")])));
    }
  }
  return made;
}

const texted = (thing, names) => (thing.type === "mrkdwn" ? prose(thing.text, names) : el("div", {}, ...words(thing.text)));

/** Blocks of a message, a modal or a page. `act(element)` is told what was clicked or chosen; `kit` has names, people and words. */
export function blocks(list, kit) {
  return list.map((one) => (DRAW[one.type] || unknown)(one, kit));
}

const unknown = (one) => el("div", { class: "context" }, `[${one.type}]`);

const DRAW = {
  header: (one) => el("h3", {}, ...words(one.text.text)),
  divider: () => el("hr"),
  image: (one) => el("img", { src: one.image_url, alt: one.alt_text }),
  markdown: (one, kit) => prose(one.text, kit.names),
  context: (one, kit) => el("div", { class: "context" }, ...one.elements.map((part) => (part.type === "image" ? el("img", { src: part.image_url, alt: part.alt_text }) : texted(part, kit.names)))),
  section(one, kit) {
    const made = el("div", { class: "section" });
    if (one.text) made.append(texted(one.text, kit.names));
    if (one.fields) made.append(el("div", { class: "fields" }, ...one.fields.map((part) => el("div", {}, texted(part, kit.names)))));
    if (one.accessory) made.append(element(one.accessory, kit));
    return made;
  },
  data_visualization(one) {
    const points = one.chart.series?.[0]?.data || one.chart.segments || [];
    const most = Math.max(...points.map((point) => point.value), 1e-9);
    return el("div", { class: "chart" }, el("strong", {}, one.title), ...points.map((point) => el("div", { class: "point", title: String(point.value) },
      el("span", {}, point.label), el("meter", { min: 0, max: most, value: point.value }))));
  },
  actions: (one, kit) => el("div", { class: "actions" }, ...one.elements.map((part) => element(part, kit))),
  input(one, kit) {
    const field = element(one.element, { ...kit, block: one.block_id });
    field.dataset.block = one.block_id;
    return el("label", { class: "input" }, el("span", { class: "label" }, ...words(one.label.text)), field,
      el("span", { class: "error", "data-error": one.block_id }), one.hint ? el("small", {}, one.hint.text) : null);
  },
};

function element(one, kit) {
  const change = kit.block ? undefined : (event) => kit.act(one, event.target.value, event.target);
  switch (one.type) {
    case "button":
      return el("button", { type: "button", class: `button ${one.style || ""}`, "data-action": one.action_id, onclick: (event) => kit.act(one, one.value, event.currentTarget) }, ...words(one.text.text));
    case "users_select":
      return select([["", kit.words.choose], ...kit.people.map((person) => [person.slack, person.name])], one.initial_user, change);
    case "static_select": case "radio_buttons":
      return select([["", kit.words.choose], ...one.options.map((option) => [option.value, option.text.text])], one.initial_option?.value, change);
    case "datepicker":
      return el("input", { type: "date", value: one.initial_date || "", onchange: change || (() => {}) });
    case "plain_text_input": case "number_input": {
      const field = el(one.multiline ? "textarea" : "input", { value: one.initial_value || "", placeholder: one.placeholder?.text || "", rows: one.multiline ? 3 : undefined });
      if (one.max_length) field.maxLength = one.max_length;
      return field;
    }
    default:
      return el("span", { class: "context" }, `[${one.type}]`);
  }
}

function select(options, chosen, change) {
  return el("select", { onchange: change || (() => {}) }, ...options.map(([value, name]) => el("option", { value, selected: value === chosen }, name)));
}
