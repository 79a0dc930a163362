// Buttons and choices. Icons are drawn here: as characters they are empty boxes where a font lacks them.

const ICONS = {
  first: "M6 5v14M19 5L9 12l10 7z",
  back: "M16 5L7 12l9 7z",
  play: "M7 4l13 8-13 8z",
  pause: "M7 5v14M17 5v14",
  forward: "M8 5l9 7-9 7z",
  last: "M18 5v14M5 5l10 7-10 7z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  help: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 18v.01",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  follow: "M12 3v4M12 17v4M3 12h4M17 12h4M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
};

const icon = (name) =>
  svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
const button = (name, label, key, onclick) =>
  html(
    "button",
    { class: `tool ${name}`, type: "button", title: key ? `${label} (${key})` : label, "aria-label": label, onclick },
    icon(name),
  );

// Back to where all keys work.
const release = (element) => element.closest(".chainrule").focus({ preventScroll: true });

const choice = (label, options, chosen, now) =>
  html(
    "label",
    { class: "choice" },
    html("span", null, label),
    html(
      "select",
      {
        "aria-label": label,
        onchange: ({ target }) => {
          chosen(target.value);
          release(target);
        },
      },
      options.map(([value, text]) => html("option", { value, selected: value === now }, text)),
    ),
  );
