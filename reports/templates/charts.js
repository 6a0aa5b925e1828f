"use strict";
/* Curves of one scenario: a stack of uPlot charts over one time axis. */
const Charts = (() => {
  const OUTCOMES = {0: "answered 200", 1: "no connection", 2: "reset", 3: "timeout", 4: "not HTTP", 5: "cut", 6: "not sent", 16: "other status"};
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const floats = text => { const raw = bytes(text); return new Float32Array(raw.buffer, 0, raw.length / 4); };
  // uPlot draws a gap for null, not for NaN.
  const gappy = text => Array.from(floats(text), v => Number.isNaN(v) ? null : v);
  const color = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const short = value => value == null ? "–" : Math.abs(value) >= 100 ? value.toFixed(0) : +value.toFixed(2) + "";
  const LEFT = 56, RIGHT = 14;
  // Marks of a logarithmic axis: 1, 2, 5 of each power of ten while few, else only the powers.
  function decades(low, high) {
    const found = [], steps = Math.log10(high / low) > 2.1 ? [1] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high * 1.001; power++)
      for (const step of steps) { const v = +(step * 10 ** power).toPrecision(3); if (v >= low * 0.999 && v <= high * 1.001) found.push(v); }
    return found;
  }

  class Viewer {
    constructor(place, readout, scenario) {
      Object.assign(this, {place, readout, scenario, plots: [], mark: null, busy: false});
      this.end = scenario.end;
      this.range = [0, this.end];
      this.draw();
    }

    draw() {
      for (const plot of this.plots) plot.destroy();
      this.plots = [];
      this.place.textContent = "";
      const s = this.scenario, load = s.load, x = floats(load.x);
      this.key = uPlot.sync(s.name);
      const rates = s.requests.x.length > 0;
      if (rates) {
        this.curves("Requests per second", 110, [x, floats(load.offered), floats(load.answered)], [
          {label: "offered", stroke: color("c4"), dash: [6, 3]}, {label: "answered", stroke: color("c1")}]);
        this.curves("Requests in flight", 100, [x, floats(load.in_flight)], [{label: "in flight", stroke: color("c1"), fill: color("band")}]);
      }
      for (const component of s.components) {
        this.pods(component);
        if (component.measured && component.measured.x.length) this.measured(component);
      }
      if (rates) this.latencies();
      if (s.pods.length) this.lanes();
      if (this.plots.length) this.plots[this.plots.length - 1].root.classList.add("last");
      this.zoom(...this.range);
    }

    title(box, text, series) {
      const name = document.createElement("div");
      name.className = "name";
      const bold = document.createElement("b");
      bold.textContent = text;
      name.append(bold);
      for (const entry of series) {
        const line = document.createElement("i");
        if (entry.hatch) { line.className = "area"; line.style.background = "repeating-linear-gradient(45deg, " + entry.area + " 0 2px, transparent 2px 6px)"; }
        else if (entry.area) { line.className = "area"; line.style.background = entry.area; }
        else { line.style.borderColor = entry.stroke; if (entry.dash) line.className = entry.dash[0] > 3 ? "dash" : "dots"; }
        name.append(line, entry.label);
      }
      box.append(name);
    }

    add(options, data, title, legend, last) {
      const box = document.createElement("div");
      box.className = "chart";
      box.dataset.panel = options.panel || "load";
      this.place.append(box);
      this.title(box, title, legend);
      const axis = {stroke: color("muted"), grid: {stroke: color("line"), width: 1}, ticks: {show: false}, font: "11px system-ui, sans-serif"};
      const plot = new uPlot({
        width: Math.max(240, this.place.clientWidth), legend: {show: false}, padding: [8, RIGHT, 0, 0],
        ...options,
        scales: {x: {time: false, min: 0, max: this.end}, ...(options.scales || {})},
        axes: [
          {...axis, size: last ? 34 : 4, values: last ? (u, splits) => splits.map(v => v + " s") : () => []},
          {...axis, size: LEFT, ...(options.y || {})},
        ],
        // Only the pointer is shared: a selection shared too would zoom once for every chart.
        cursor: {sync: {key: this.key.key, setSeries: false, filters: {pub: type => type === "mousemove" || type === "mouseleave"}}, drag: {x: true, y: false, setScale: false}, points: {size: 6}, ...(options.cursor || {})},
        hooks: {
          ...(options.hooks || {}),
          drawClear: [u => this.shade(u, options.panics || [], options.maybe || [])],
          setSelect: [u => { if (u.select.width > 4) this.zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")); u.setSelect({left: 0, width: 0, top: 0, height: 0}, false); }],
          setCursor: [u => this.tell(u)],
        },
      }, data, box);
      plot.over.addEventListener("dblclick", () => this.zoom(0, this.end));
      plot.over.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const at = plot.posToVal(event.offsetX, "x"), by = event.deltaY > 0 ? 1.3 : 1 / 1.3;
        this.zoom(at - (at - this.range[0]) * by, at + (this.range[1] - at) * by);
      }, {passive: false});
      plot.box = box;
      this.plots.push(plot);
      return plot;
    }

    curves(title, height, data, series) {
      this.add({height, series: [{}, ...series.map(s => ({width: 1.6, points: {show: false}, ...s}))],
        scales: {y: {range: (u, min, max) => [0, Math.max(1, max) * 1.12]}}}, data, title, series);
    }

    measured(c) {
      const looks = {"stable": {stroke: color("c1")}, "panic": {stroke: color("c4"), dash: [6, 3]},
        "stable, told": {stroke: color("c1"), dash: [2, 3]}, "panic, told": {stroke: color("c4"), dash: [2, 3]}};
      const unit = c.measured.unit, title = unit[0].toUpperCase() + unit.slice(1) + " as the " + c.name + "'s autoscaler measures them";
      this.curves(title, 90, [floats(c.measured.x), ...c.measured.lines.map(line => gappy(line[1]))],
        c.measured.lines.map(line => ({label: line[0], ...looks[line[0]]})));
    }

    pods(c) {
      const step = uPlot.paths.stepped({align: 1});
      const data = [floats(c.x)], series = [], bands = [];
      if (c.high) {
        // Edges are drawn too: where only one count is allowed there is no area between them.
        const edge = {stroke: color("edge"), width: 1, paths: step};
        series.push({label: "at most", ...edge}, {label: "at least", ...edge});
        data.push(gappy(c.high), gappy(c.low));
        bands.push({series: [1, 2], fill: color("band")});
      }
      // There and not ready.
      series.push({label: "pending", stroke: color("p1"), fill: color("gap"), width: 1, paths: step});
      data.push(gappy(c.pending));
      const lines = [];
      if (c.desired) lines.push([{label: "wanted", stroke: color("c2"), dash: [6, 3], width: 1.8}, gappy(c.desired)]);
      lines.push([{label: "there", stroke: color("c4"), dash: [2, 3], width: 1.6}, gappy(c.total)]);
      lines.push([{label: "ready", stroke: color("c3"), width: 2.2}, gappy(c.ready)]);
      for (const [line, values] of lines) { series.push({paths: step, ...line}); data.push(values); }
      const legend = [...lines.map(l => l[0]), {label: "pending", area: color("gap")}];
      if (c.high) legend.push({label: "allowed band", area: color("band")});
      if (c.panics.length) legend.push({label: "panic", area: color("panic")});
      if (c.maybe.length) legend.push({label: "panic possible", area: color("maybe"), hatch: true});
      this.add({panel: "pods", height: 150, bands, panics: c.panics, maybe: c.maybe, series: [{}, ...series.map(s => ({points: {show: false}, ...s}))],
        y: {incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500]},
        scales: {y: {range: (u, min, max) => [0, Math.max(2, max + 1)]}}}, data, "Pods of the " + c.name, legend);
    }

    latencies() {
      const r = this.scenario.requests, x = floats(r.x), outcome = bytes(r.outcome);
      const y = Float32Array.from(floats(r.y), v => Math.max(v, 0.001));
      const good = color("c1"), bad = color("fail"), kinds = new Set(outcome);
      const legend = [{label: "answered 200", area: good}];
      if ([...kinds].some(k => k !== 0)) legend.push({label: [...kinds].filter(k => k).map(k => OUTCOMES[k] || k).join(", "), area: bad});
      this.add({
        panel: "requests", height: 160, series: [{}, {label: "latency", paths: () => null, points: {show: false}, value: (u, v) => short(v) + " s"}],
        scales: {y: {distr: 3, range: (u, min, max) => [10 ** Math.floor(Math.log10(Math.max(min * 0.8, 0.001))), 10 ** Math.ceil(Math.log10(Math.max(max, 0.01)))]}},
        y: {splits: u => decades(u.scales.y.min, u.scales.y.max), filter: (u, splits) => splits, values: (u, splits) => splits.map(v => v >= 1 ? v + " s" : Math.round(v * 1e5) / 100 + " ms")},
        hooks: {draw: [u => {
          const ctx = u.ctx, ratio = devicePixelRatio, size = 2.4 * ratio, large = 6 * ratio;
          ctx.save();
          ctx.beginPath();
          ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
          ctx.clip();
          const [from, to] = [u.scales.x.min, u.scales.x.max];
          ctx.fillStyle = good;
          ctx.globalAlpha = x.length > 5000 ? 0.45 : 0.7;
          for (let i = 0; i < x.length; i++) {
            if (outcome[i] !== 0 || x[i] < from || x[i] > to) continue;
            ctx.fillRect(u.valToPos(x[i], "x", true) - size / 2, u.valToPos(y[i], "y", true) - size / 2, size, size);
          }
          ctx.globalAlpha = 1;
          ctx.strokeStyle = bad;
          ctx.lineWidth = 1.6 * ratio;
          ctx.beginPath();
          for (let i = 0; i < x.length; i++) {
            if (outcome[i] === 0 || x[i] < from || x[i] > to) continue;
            const px = u.valToPos(x[i], "x", true), py = u.valToPos(y[i], "y", true), h = large / 2;
            ctx.moveTo(px - h, py - h); ctx.lineTo(px + h, py + h); ctx.moveTo(px + h, py - h); ctx.lineTo(px - h, py + h);
          }
          ctx.stroke();
          ctx.restore();
        }]},
      }, [x, y], "Latency from when a request was due", legend);
    }

    lanes() {
      const pods = this.scenario.pods, count = pods.length, row = count > 40 ? 7 : 14;
      const colors = {pending: color("p0"), starting: color("p1"), ready: color("c3"), leaving: color("c4")};
      this.add({
        height: count * row + 62, series: [{}, {paths: () => null, points: {show: false}}],
        scales: {y: {dir: -1, range: () => [0, count]}},
        y: {splits: () => pods.map((_, i) => i + 0.5), filter: (u, splits) => splits, values: () => pods.map(p => count > 40 ? "" : p.name.slice(-5)), grid: {show: false}, font: "10px ui-monospace, monospace"},
        cursor: {y: false},
        hooks: {draw: [u => {
          const ctx = u.ctx, bar = row * devicePixelRatio * 0.66;
          ctx.save();
          ctx.beginPath();
          ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
          ctx.clip();
          pods.forEach((pod, i) => {
            const y = u.valToPos(i + 0.5, "y", true) - bar / 2, until = pod.gone ?? this.end;
            const span = (from, to, fill, hatch) => {
              if (from == null || to == null || to < from) return;
              const a = u.valToPos(from, "x", true), b = Math.max(a + devicePixelRatio, u.valToPos(to, "x", true));
              ctx.fillStyle = fill;
              ctx.fillRect(a, hatch ? y + bar * 0.3 : y, b - a, hatch ? bar * 0.4 : bar);
            };
            span(pod.seen, pod.running ?? pod.deleting ?? until, colors.pending);
            if (pod.running != null) span(pod.running, pod.deleting ?? until, colors.starting);
            for (const [from, to] of pod.ready) span(from, to ?? pod.deleting ?? until, colors.ready);
            if (pod.deleting != null) span(pod.deleting, until, colors.leaving, true);
          });
          ctx.restore();
        }]},
      }, [new Float32Array([0, this.end]), [0, count]], "Pods, each a lane", [
        {label: "not running", area: colors.pending}, {label: "starting", area: colors.starting}, {label: "ready", area: colors.ready}, {label: "leaving", area: colors.leaving}], true);
    }

    shade(u, panics, maybe) {
      const ctx = u.ctx;
      const band = (from, to, fill) => {
        const a = u.valToPos(Math.max(from, u.scales.x.min), "x", true), b = u.valToPos(Math.min(to, u.scales.x.max), "x", true);
        if (b < a) return;
        ctx.fillStyle = fill;
        ctx.fillRect(a, u.bbox.top, Math.max(b - a, 1), u.bbox.height);
      };
      ctx.save();
      const hatch = this.hatch(ctx, color("maybe"));
      for (const [from, to] of maybe) band(from, to, hatch);
      for (const [from, to] of panics) band(from, to, color("panic"));
      for (const [from, to] of this.scenario.gaps) band(from, to, color("gap"));
      if (this.mark) band(this.mark[0], this.mark[1], color("mark"));
      ctx.strokeStyle = color("line");
      ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
      for (const [, kind, from] of this.scenario.spans) {
        if (from < u.scales.x.min || from > u.scales.x.max) continue;
        const at = u.valToPos(from, "x", true);
        ctx.beginPath(); ctx.moveTo(at, u.bbox.top); ctx.lineTo(at, u.bbox.top + u.bbox.height); ctx.stroke();
      }
      ctx.restore();
    }

    // Told from panic in any colours, and in none: lines instead of an area.
    hatch(ctx, stroke) {
      const tile = document.createElement("canvas"), size = Math.round(6 * devicePixelRatio);
      tile.width = tile.height = size;
      const pen = tile.getContext("2d");
      pen.strokeStyle = stroke;
      pen.lineWidth = devicePixelRatio;
      for (const shift of [-size, 0, size]) { pen.moveTo(shift, size); pen.lineTo(shift + size, 0); }
      pen.stroke();
      return ctx.createPattern(tile, "repeat");
    }

    tell(u) {
      if (u.cursor.idx == null || u.cursor.event == null && !u.cursor.left) return;
      const t = u.posToVal(u.cursor.left, "x");
      if (!(t >= 0)) return;
      const parts = [t.toFixed(1) + " s"];
      const at = (x, y) => { let lo = 0, hi = x.length; while (lo < hi) { const mid = (lo + hi) >> 1; if (x[mid] <= t) lo = mid + 1; else hi = mid; } return lo ? y[lo - 1] : null; };
      for (const plot of this.plots) for (let i = 1; i < plot.series.length; i++) {
        const s = plot.series[i];
        if (s.label && s.stroke && s.label !== "latency" && s.label !== "Value") parts.push(s.label + " " + short(at(plot.data[0], plot.data[i])));
      }
      this.readout.textContent = parts.join(" · ");
    }

    zoom(from, to) {
      const least = Math.min(1, this.end);
      let width = Math.min(Math.max(to - from, least), this.end);
      let start = Math.min(Math.max((from + to - width) / 2, 0), this.end - width);
      this.range = [start, start + width];
      for (const plot of this.plots) plot.batch(() => plot.setScale("x", {min: this.range[0], max: this.range[1]}));
      this.place.dataset.range = this.range.map(v => v.toFixed(2)).join(" ");
    }

    act(name) {
      const [from, to] = this.range, width = to - from;
      if (name === "in") this.zoom(from + width / 4, to - width / 4);
      if (name === "out") this.zoom(from - width / 2, to + width / 2);
      if (name === "left") this.zoom(from - width / 4, to - width / 4);
      if (name === "right") this.zoom(from + width / 4, to + width / 4);
      if (name === "all") { this.mark = null; this.zoom(0, this.end); }
    }

    show(from, to) {
      const room = Math.max(5, (to - from) * 0.6);
      this.mark = [from, Math.max(to, from + 0.1)];
      this.zoom(from - room, to + room);
    }

    resize() {
      const width = Math.max(240, this.place.clientWidth);
      for (const plot of this.plots) plot.setSize({width, height: plot.height});
    }
  }
  return {Viewer};
})();
