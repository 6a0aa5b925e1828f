(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const scenarios = new Map(data.scenarios.map(entry => [entry.name, entry]));
  const viewers = new Map();
  const root = document.documentElement;
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Theme: the system's unless the reader chooses.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  function theme(dark) {
    root.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
    button.textContent = dark ? "Light" : "Dark";
    for (const viewer of viewers.values()) viewer.draw();
  }
  button.addEventListener("click", () => theme(root.dataset.theme !== "dark"));
  system.addEventListener("change", () => theme(system.matches));
  theme(system.matches);

  // Curves are drawn when their scenario comes near the window: a page of sixty opens as fast as one of one.
  function viewer(name) {
    if (viewers.has(name) || !scenarios.has(name)) return viewers.get(name);
    const article = document.getElementById("s-" + name);
    const place = article.querySelector(".charts");
    if (!place) return undefined;
    const made = new Charts.Viewer(place, article.querySelector(".readout"), scenarios.get(name));
    viewers.set(name, made);
    const phases = article.querySelector(".phases");
    for (const [label, kind, from, to] of scenarios.get(name).spans) {
      if (to - from < 0.5) continue;
      const go = document.createElement("button");
      go.type = "button";
      go.textContent = label;
      go.title = from.toFixed(1) + " to " + to.toFixed(1) + " s";
      go.addEventListener("click", () => made.zoom(from, to));
      phases.append(go);
    }
    return made;
  }
  const near = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); viewer(entry.target.dataset.scenario); }
  }, {rootMargin: "600px"});
  for (const article of $$(".scenario")) {
    const frame = article.querySelector(".viewer");
    if (!frame || !scenarios.has(article.dataset.scenario)) continue;
    near.observe(article);
    frame.addEventListener("click", event => {
      const act = event.target.closest("[data-act]");
      if (act) viewer(article.dataset.scenario).act(act.dataset.act);
    });
    const keys = {"+": "in", "=": "in", "-": "out", "_": "out", ArrowLeft: "left", ArrowRight: "right", "0": "all"};
    frame.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
      event.preventDefault();
      viewer(article.dataset.scenario).act(keys[event.key]);
    });
  }

  // Moments: from a requirement, a fact or an event to the place in the curves.
  function show(name, from, to, panel) {
    const made = viewer(name);
    if (!made) return;
    made.show(from, to);
    const frame = document.querySelector("#s-" + CSS.escape(name) + " .viewer");
    const chart = panel && frame.querySelector('.chart[data-panel="' + CSS.escape(panel) + '"]');
    (chart || frame).scrollIntoView({block: chart ? "center" : "start"});
    frame.focus({preventScroll: true});
  }
  document.addEventListener("click", event => {
    const link = event.target.closest("a.moment");
    if (!link) return;
    event.preventDefault();
    const {scenario, start, end, panel} = link.dataset;
    history.pushState(null, "", "#s-" + scenario + "/" + start + "-" + end);
    show(scenario, +start, +end, panel);
  });
  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    const moment = /^s-(.+)\/([0-9.]+)-([0-9.]+)$/.exec(hash);
    if (moment) return show(moment[1], +moment[2], +moment[3]);
    const target = hash && document.getElementById(hash);
    if (target && target.matches("details.requirement")) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView({block: "start"});
      target.querySelector("summary").focus({preventScroll: true});
    }
  }
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);

  // Filter.
  const items = $$(".requirement"), find = document.getElementById("find"), boxes = $$("input[name=verdict]");
  const shown = document.getElementById("shown"), nothing = document.getElementById("nothing");
  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter(box => box.checked).map(box => box.value));
    let count = 0;
    for (const item of items) {
      const fits = verdicts.has(item.dataset.verdict) && words.every(word => item.dataset.search.includes(word));
      item.hidden = !fits;
      count += fits;
    }
    shown.textContent = count + " of " + items.length;
    nothing.hidden = count > 0;
  }
  document.querySelector(".filter").addEventListener("submit", event => event.preventDefault());
  find.addEventListener("input", filter);
  for (const box of boxes) box.addEventListener("change", filter);
  filter();
  const expand = document.getElementById("expand");
  expand.addEventListener("click", () => {
    const open = expand.textContent === "Open all";
    for (const item of items) if (!item.hidden) item.open = open;
    expand.textContent = open ? "Close all" : "Open all";
  });

  let timer = 0;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(() => viewers.forEach(made => made.resize()), 120); });
  addEventListener("beforeprint", () => { for (const item of items) item.open = ["FAIL", "ERROR", "INCONCLUSIVE"].includes(item.dataset.verdict); });
  follow();
  root.dataset.ready = performance.now().toFixed(0);
})();
