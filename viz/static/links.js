// Deep links: `#step=17&node=w1` in the address opens the page there; `?embed` in it makes the page compact.

const onPage = () => location.protocol !== "about:" && location.protocol !== "blob:" && location.protocol !== "data:";

const Links = {
  compact: () => onPage() && new URLSearchParams(location.search).has("embed"),

  // {tab, step, node} as far as the address names them.
  read() {
    if (!onPage()) return {};
    const asked = new URLSearchParams(location.hash.slice(1));
    const step = asked.get("step");
    return {
      tab: asked.get("tab"),
      node: asked.get("node"),
      step: step !== null && /^\d+$/.test(step) ? Number(step) : null,
    };
  },

  // Browsers refuse too many changes of the address in a short time, so only the last of many is written.
  write(state) {
    if (!onPage()) return;
    clearTimeout(Links.timer);
    Links.timer = setTimeout(() => {
      const wanted = Object.entries(state).filter(([, value]) => value !== null && value !== "");
      const hash = new URLSearchParams(wanted).toString();
      try {
        history.replaceState(null, "", `#${hash}`);
      } catch {
        // Some hosts of frames allow no change of the address: the link is lost, nothing else.
      }
    }, 120);
  },
};
