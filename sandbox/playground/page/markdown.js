// DingTalk's Markdown as elements: headings, quotes, lists, rules, bold, links. A `dtmd:` link says its words when it is tapped.

import { el, signs } from "/page/draw.js";

const SAYS = /^dtmd:\/\/dingtalkclient\/sendMessage\?content=(.*)$/;

/** `kit.say(words)` is told what was tapped; `kit.names` has the people mentioned, by id. */
export function markdown(text, kit) {
  const made = el("div", { class: "md" });
  let list = null;
  for (const line of text.split("\n")) {
    const item = /^- (.*)/.exec(line);
    if (item) {
      if (!list) made.append(list = el("ul"));
      list.append(el("li", {}, ...inline(item[1], kit)));
    } else {
      list = null;
      if (line.trim()) made.append(block(line.trim(), kit));
    }
  }
  return made;
}

function block(line, kit) {
  const heading = /^#{1,6} (.*)/.exec(line), quote = /^> (.*)/.exec(line);
  if (line === "---") return el("hr");
  if (heading) return el("h4", {}, ...inline(heading[1], kit));
  if (quote) return el("blockquote", {}, ...inline(quote[1], kit));
  return el("p", {}, ...inline(line, kit));
}

const INLINE = [
  [/\*\*(.+?)\*\*/, (found, kit) => el("b", {}, ...inline(found[1], kit))],
  [/\[([^\]]+)\]\(([^)\s]+)\)/, (found, kit) => link(found[1], found[2], kit)],
  [/@([\w.-]+)/, (found, kit) => (kit.names[found[1]] ? el("span", { class: "mention" }, `@${kit.names[found[1]]}`) : document.createTextNode(found[0]))],
];

/** One line; the first mark that begins wins. */
function inline(text, kit) {
  let first = null;
  for (const [pattern, draw] of INLINE) {
    const found = pattern.exec(text);
    if (found && (!first || found.index < first.found.index)) first = { found, draw };
  }
  if (!first) return signs(text);
  const { found, draw } = first;
  return [...signs(text.slice(0, found.index)), draw(found, kit), ...inline(text.slice(found.index + found[0].length), kit)];
}

function link(label, target, kit) {
  const says = SAYS.exec(target);
  if (says) return el("button", { type: "button", class: "tap", onclick: () => kit.say(decodeURIComponent(says[1])) }, label);
  if (/^https?:/.test(target)) return el("a", { href: target, rel: "noreferrer", target: "_blank" }, label);
  return document.createTextNode(label);
}
