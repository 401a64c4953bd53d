// What both messengers are drawn with: elements, faces, and signs. Nothing that comes from people or from the bot is ever parsed as HTML.

export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.startsWith("data-") || name.startsWith("aria-") || name === "role") made.setAttribute(name, value);
    else if (value !== undefined) made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SIGNS = { "✅": ["ok tick", ""], "⏳": ["wait", "···"], "⌛": ["old", "–"], "✖️": ["no", "×"], "✖": ["no", "×"], "↩️": ["old", "↩"], "↩": ["old", "↩"], "🔁": ["old", "⟳"], "⚠️": ["wait", "!"], "⚠": ["wait", "!"], "⛔": ["no", "–"], "❌": ["no", "×"] };
const SIGN = new RegExp(`(${Object.keys(SIGNS).join("|")})`, "u");

/** Plain words, with the few signs that a status line begins with drawn as pictures, whatever fonts there are. */
export function signs(text) {
  return text.split(SIGN).filter(Boolean).map((part) =>
    SIGNS[part] ? el("span", { class: `sign ${SIGNS[part][0]}`, role: "img", "aria-label": part }, SIGNS[part][1]) : document.createTextNode(part));
}

const COLOURS = ["#6d4aa8", "#b4540a", "#0b6e8f", "#8a3b5c", "#3d6b35", "#7a5c12", "#2f5fb3", "#a33c3c", "#4c6070", "#8c4a9e", "#1f7a6c", "#5b5b8c"];

/** Somebody's picture: the letter of `one`, of the cast; the robot's where there is nobody. */
export function face(place, one, cast) {
  const chinese = one && /[\u4e00-\u9fff]/.test(one.name);
  place.textContent = one ? (chinese ? one.name.slice(-2) : one.name[0]) : "";
  place.classList.toggle("chinese", Boolean(chinese));
  place.classList.toggle("robot", !one);
  place.style.background = one ? COLOURS[cast.indexOf(one) % COLOURS.length] : "";
  return place;
}
