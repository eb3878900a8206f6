// The page of the live monitor. Samples are kept in chunks of ten seconds; those that are not here are fetched.
"use strict";

const INVALID = -32768;
const MM_PX = 96 / 25.4; // CSS pixels a millimetre
const DELAY_S = 0.2; // of the trace behind the newest sample, so that it moves evenly
const MOST_CHUNKS = 400;
const MOST_EVENTS = 2000; // in the list
const MINUTE_S = 60;
const END = 2;
const HEART_RATE = 1;
const MATCH_S = 0.15; // between a beat and its annotation
const TILE_PX = 256; // width of a tile of the trace
const MOST_TILES = 500; // away from the first one, where places are still exact to a small part of a pixel
const BUCKETS = 200; // parts of a chunk in the overview
const MEDIAN_EVERY_MS = 250;
const BASELINE_S = 0.8; // time constant
const PRIORITY = { 3: ["high", "HIGH !!!"], 2: ["medium", "MEDIUM !!"], 1: ["low", "LOW !"] };
const $ = (id) => document.getElementById(id);

const session = { origin: null, fs: 360, gain: 200, chunkSamples: 3600, end: 0, first: 0, tail: null, state: null };
const chunks = new Map(); // number -> {samples, beats, references, envelope, known: its samples came}
const wanted = new Set(); // chunks on their way
const events = new Map(); // "name onset" -> {name, onset, end, open, text}
const view = { live: true, end: 0, speed: 25, gain: 10, dirty: true, shown: null };
const calliper = { on: false, from: null, to: null, low: 0, high: 0, dragging: false };
const sound = { context: null, on: false, quietUntil: 0, nextAt: 0 };
const frames = { last: 0, times: new Float64Array(1200), script: new Float64Array(1200), count: 0 }; // for measurements
window.monitor = { session, chunks, events, view, frames, calliper };

// ---- connection --------------------------------------------------------------------------------------

let socket = null;
function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (message) => {
    if (typeof message.data === "string") take(JSON.parse(message.data));
    else takeSamples(message.data);
  };
  socket.onclose = () => {
    showLink(false, "no connection to the program; trying again");
    setTimeout(connect, 1000);
  };
}

function take(message) {
  if (message.type === "hello") takeHello(message);
  else if (message.type === "chunk") putChunk(message);
  else if (message.type === "marks") message.marks.forEach(takeMark);
  else if (message.type === "state") takeState(message);
  view.dirty = true;
}

function takeHello(hello) {
  session.origin = hello.origin;
  session.fs = hello.origin.fs_hz;
  session.gain = hello.origin.adu_per_mv;
  session.chunkSamples = hello.chunk_samples;
  chunks.clear(); // the program may be another one now
  session.tail = null;
  $("origin").textContent = `${hello.origin.name}: ${hello.origin.device}`;
  events.clear();
  $("events").replaceChildren();
  hello.events.forEach(takeMark);
  clearTiles();
}

function chunkNumbered(number) {
  if (!chunks.has(number)) {
    const samples = new Int16Array(session.chunkSamples).fill(INVALID);
    chunks.set(number, { samples, beats: new Map(), references: new Map(), envelope: null, known: false });
    if (chunks.size > MOST_CHUNKS) chunks.delete(chunks.keys().next().value);
  }
  return chunks.get(number);
}

// Samples and marks that came after the program made this chunk stay.
function putChunk(message) {
  const chunk = chunkNumbered(message.number);
  const bytes = Uint8Array.from(atob(message.samples), (letter) => letter.charCodeAt(0));
  new Int16Array(bytes.buffer).forEach((value, at) => { if (value !== INVALID) chunk.samples[at] = value; });
  message.beats.forEach((beat) => chunk.beats.set(beat.sample, beat));
  message.references.forEach((mark) => chunk.references.set(mark.sample, mark));
  Object.assign(chunk, { envelope: null, known: true });
  dropTiles(message.number * session.chunkSamples, (message.number + 1) * session.chunkSamples);
  view.dirty = true;
}

function takeSamples(buffer) {
  const start = new DataView(buffer).getFloat64(0, true);
  const samples = new Int16Array(buffer.slice(8));
  if (session.tail !== null && start !== session.tail) {
    const last = Math.floor(session.tail / session.chunkSamples);
    for (const number of [last - 1, last]) chunkNumbered(number).known = false; // samples and late beats were left out
  }
  for (let k = 0; k < samples.length;) {
    const at = start + k;
    const number = Math.floor(at / session.chunkSamples);
    const inside = at - number * session.chunkSamples;
    const count = Math.min(session.chunkSamples - inside, samples.length - k);
    const chunk = chunkNumbered(number);
    chunk.samples.set(samples.subarray(k, k + count), inside);
    chunk.known = true;
    k += count;
  }
  session.tail = start + samples.length;
  session.end = Math.max(session.end, session.tail);
}

function chunkOf(sample) {
  return chunks.get(Math.floor(sample / session.chunkSamples));
}

async function fetchMissing(start, end) {
  const size = session.chunkSamples;
  const last = Math.floor(Math.min(end, session.end - 1) / size);
  for (let number = Math.max(0, Math.floor(start / size)); number <= last; number++) {
    if (chunks.get(number)?.known || wanted.has(number) || wanted.size > 8) continue;
    wanted.add(number);
    fetch(`chunk/${number}`)
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((message) => message && putChunk(message))
      .catch(() => {})
      .finally(() => setTimeout(() => wanted.delete(number), 500));
  }
}

// ---- marks -------------------------------------------------------------------------------------------

function takeMark(mark) {
  const number = Math.floor((mark.sample ?? 0) / session.chunkSamples);
  if (mark.type === "beat") chunkNumbered(number).beats.set(mark.sample, mark); // it may come before its samples
  else if (mark.type === "reference") chunkNumbered(number).references.set(mark.sample, mark);
  else if (mark.type === "event" && mark.kind !== HEART_RATE) takeEvent(mark);
  else if (mark.type === "gap") {
    put(`gap of ${duration(mark.end - mark.start)}: ${mark.reason}`, "gap", mark.start, mark.end, false);
  } else if (mark.type === "link") {
    put(mark.text, `link ${mark.up}`, mark.sample, mark.sample, false);
  } else if (mark.type === "leads") {
    put(mark.flags ? "electrode off" : "electrodes on", "leads", mark.sample, mark.sample, false);
  } else if (mark.type === "quality") {
    put(mark.bad ? "bad signal" : "good signal", "quality", mark.sample, mark.sample, false);
  }
}

function takeEvent(mark) {
  const facts = [mark.phase === END ? duration(mark.end - mark.onset) : "goes on"];
  if (mark.beats) facts.push(`${mark.beats} beats`);
  if (mark.rate_x10) facts.push(`${Math.round(mark.rate_x10 / 10)}/min`);
  put(`${mark.name} (${facts.join(", ")})`, mark.name, mark.onset, mark.end, mark.phase !== END);
}

function put(text, name, onset, end, open) {
  const key = `${name} ${onset}`;
  const known = events.get(key);
  if (known) {
    Object.assign(known, { text, end, open });
    known.button.children[1].textContent = text;
    return;
  }
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  for (const part of [clock(onset), text, "show"]) button.append(Object.assign(document.createElement("span"), { textContent: part }));
  button.onclick = () => goTo(onset + 0.4 * stripSamples());
  item.append(button);
  events.set(key, { text, name, onset, end, open, button });
  $("events").prepend(item);
  if ($("events").childElementCount > MOST_EVENTS) {
    $("events").lastElementChild.remove();
    events.delete(events.keys().next().value);
  }
  $("no-event").hidden = true;
}

// ---- state and alarms --------------------------------------------------------------------------------

function takeState(state) {
  session.state = state;
  session.first = state.first;
  session.end = Math.max(session.end, state.end);
  $("rate").textContent = state.heart_rate ?? "\u2013";
  $("quality").textContent = !state.up ? "\u2013" : state.leads_off ? "electrode off" : state.bad ? `bad: ${state.bad}` : "good";
  const open = [...events.values()].filter((event) => event.open).map((event) => event.name);
  $("rhythm").textContent = [...new Set(open)].join(", ") || "nothing reported";
  $("morphology-box").hidden = !state.morphology;
  $("morphology").textContent = state.morphology;
  showLink(state.up, state.link);
  showLosses(state);
  showAlarms(state.alarms);
  $("slider").max = String(Math.floor(session.end / session.fs));
  $("slider").min = String(Math.ceil(session.first / session.fs));
}

function showLink(up, text) {
  $("link").textContent = up ? text : `Link: ${text}`;
  $("link").classList.toggle("down", !up);
}

function showLosses(state) {
  const lost = state.losses;
  const rows = [
    ["samples", lost.samples], ["beats", lost.beats], ["rhythm events", lost.events], ["quality changes", lost.changes],
    ["strip labels", lost.strips],
    ["frames missing", lost.frames], ["frames damaged", lost.bad_frames], ["link losses and restarts", lost.outages],
    ["time in these", duration(lost.outage_samples)],
    ["device's clock, ppm slow", state.drift_ppm === null ? "\u2013" : state.drift_ppm.toFixed(0)],
    ["browsers", state.browsers],
  ];
  const parts = rows.flatMap(([name, value]) => [
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), { textContent: value }),
  ]);
  $("losses").replaceChildren(...parts);
  const total = lost.samples + lost.outage_samples;
  $("lost").textContent = total || lost.beats || lost.events ? `${duration(total)}, ${lost.beats} beats` : "nothing";
}

let alarmsShown = "";
function showAlarms(alarms) {
  const text = JSON.stringify(alarms);
  if (text === alarmsShown) return;
  alarmsShown = text;
  $("alarm-list").replaceChildren(...alarms.slice(0, 20).map(alarmItem));
  $("no-alarm").hidden = alarms.length > 0;
  $("acknowledge").disabled = !alarms.some((alarm) => !alarm.acknowledged);
  const highest = Math.max(0, ...alarms.map((alarm) => alarm.priority));
  document.title = (highest > 1 ? `${"!".repeat(highest)} ${alarms[0].name} \u2013 ` : "") + "ecg-edge monitor";
}

function alarmItem(alarm) {
  const [name, text] = PRIORITY[alarm.priority];
  const item = document.createElement("li");
  item.className = `${name}${alarm.acknowledged ? "" : " unacknowledged"}`;
  const when = alarm.end === null ? `since ${clock(alarm.onset)}` : `${clock(alarm.onset)}, over`;
  for (const [tag, part] of [["b", text], ["span", alarm.name], ["span", when]]) {
    item.append(Object.assign(document.createElement(tag), { textContent: part }));
  }
  if (alarm.acknowledged) item.append(Object.assign(document.createElement("span"), { textContent: "acknowledged" }));
  else {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Acknowledge" });
    button.setAttribute("aria-label", `Acknowledge ${alarm.name}`);
    button.onclick = () => acknowledge(alarm);
    item.append(button);
  }
  return item;
}

function acknowledge(alarm) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ acknowledge: alarm.number }));
}

// Bursts of pulses; the more urgent, the more pulses, the higher and the sooner again.
const BURSTS = {
  3: { pulses: [0, 0.2, 0.4, 0.75, 0.95], hz: 880, every: 3 },
  2: { pulses: [0, 0.25, 0.5], hz: 660, every: 8 },
  1: { pulses: [0], hz: 440, every: 20 },
};

function playAlarms(now) {
  const waiting = session.state?.alarms.filter((alarm) => !alarm.acknowledged) ?? [];
  if (!sound.on || !waiting.length || now < sound.quietUntil) return;
  const priority = Math.max(...waiting.map((alarm) => alarm.priority));
  if (now < sound.nextAt && priority <= (sound.priority ?? 0)) return;
  const burst = BURSTS[priority];
  sound.priority = priority;
  sound.nextAt = now + 1000 * burst.every;
  for (const at of burst.pulses) pulse(sound.context.currentTime + at, burst.hz);
}

function pulse(at, hz) {
  const tone = new OscillatorNode(sound.context, { frequency: hz, type: "triangle" });
  const level = new GainNode(sound.context, { gain: 0 });
  level.gain.setValueAtTime(0, at);
  level.gain.linearRampToValueAtTime(0.4, at + 0.02);
  level.gain.setValueAtTime(0.4, at + 0.12);
  level.gain.linearRampToValueAtTime(0, at + 0.15);
  tone.connect(level).connect(sound.context.destination);
  tone.start(at);
  tone.stop(at + 0.16);
}

// ---- drawing -----------------------------------------------------------------------------------------

const tiles = new Map(); // number -> {canvas, context, drawn: first sample that is missing on it}
const tiled = { key: "", base: 0, anchor: 0 }; // what all tiles were drawn for
let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "fine", "bold", "trace", "mark", "wrong", "gap", "calliper", "text", "soft"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
  view.dirty = true;
}

function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    view.dirty = true;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [context, width, height];
}

const stripSamples = () => ($("strip").clientWidth / MM_PX / view.speed) * session.fs;

// Where the strip lies: its left edge in pixels from the session's start, on a whole pixel of the screen.
function stripAt(end, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const pxPerSample = (view.speed * MM_PX) / session.fs;
  const pxPerMv = view.gain * MM_PX;
  const left = Math.round((end * pxPerSample - width) * ratio) / ratio;
  const middle = 0.56 * height;
  return {
    ...{ width, height, ratio, left, pxPerSample, pxPerMv, middle },
    ...{ start: left / pxPerSample, end: (left + width) / pxPerSample },
    x: (sample) => sample * pxPerSample - left,
    y: (mv) => middle - (mv - baseline) * pxPerMv,
  };
}

function drawGrid() {
  const [context, width, height] = fit($("grid"));
  context.clearRect(0, 0, width, height);
  drawPaper(context, width, height);
}

function drawPaper(context, width, height) {
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, width, height);
  for (const [step, colour] of [[1, colours.fine], [5, colours.bold]]) {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.beginPath();
    for (let mm = 0; mm * MM_PX <= width; mm += step) line(context, mm * MM_PX, 0, mm * MM_PX, height);
    for (let mm = 0; mm * MM_PX <= height; mm += step) line(context, 0, mm * MM_PX, width, mm * MM_PX);
    context.stroke();
  }
}

function line(context, x0, y0, x1, y1) {
  context.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  context.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
}

let baseline = 0; // mV in the middle of the strip, which follows slow drift
let median = 0; // of the strip, in mV
let medianAt = -Infinity;
function followBaseline(now, passed) {
  if (now - medianAt > MEDIAN_EVERY_MS || !view.live) {
    findMedian(view.end - stripSamples(), view.end);
    medianAt = now;
  }
  if (Math.abs(median - baseline) > 1 || !view.live) baseline = median;
  else baseline += (1 - Math.exp(-passed / BASELINE_S)) * (median - baseline);
}

function findMedian(start, end) {
  const values = [];
  for (let at = Math.max(0, Math.floor(start)); at < end; at += 7) {
    const value = chunkOf(at)?.samples[at % session.chunkSamples];
    if (value !== undefined && value !== INVALID) values.push(value);
  }
  if (values.length < 10) return;
  values.sort((a, b) => a - b);
  median = values[values.length >> 1] / session.gain;
}

// The trace is drawn once, in tiles that the browser moves without drawing them again. They reach half a strip
// above and below it, so that they can also follow the baseline.
function drawTiles(strip) {
  const { ratio, width, height, left } = strip;
  const size = Math.round(TILE_PX * ratio) / ratio;
  const [first, last] = [Math.floor(Math.max(left, 0) / size), Math.floor((left + width) / size)];
  const key = [view.speed, view.gain, height, ratio, session.fs, session.gain, colours.trace].join();
  const isFar = Math.abs(baseline - tiled.base) * strip.pxPerMv > height / 2 || Math.abs(first - tiled.anchor) > MOST_TILES;
  if (key !== tiled.key || isFar) {
    clearTiles();
    Object.assign(tiled, { key, base: baseline, anchor: first });
  }
  for (const number of tiles.keys()) if (number < first || number > last) dropTile(number);
  for (let number = first; number <= last; number++) drawTile(number, size, strip);
  const down = Math.round((baseline - tiled.base) * strip.pxPerMv * ratio) / ratio;
  $("trace").style.transform = `translate(${tiled.anchor * size - left}px, ${down}px)`;
}

function drawTile(number, size, strip) {
  if (!tiles.has(number)) tiles.set(number, newTile(number, size, strip));
  const tile = tiles.get(number);
  const [first, last] = [(number * size) / strip.pxPerSample, ((number + 1) * size) / strip.pxPerSample];
  const until = Math.min(Math.ceil(last) + 1, session.tail ?? session.end);
  const from = tile.drawn ?? Math.max(Math.floor(first) - 1, 0);
  if (from >= until) return;
  const x = (sample) => sample * strip.pxPerSample - number * size;
  const y = (mv) => strip.middle - (mv - tiled.base) * strip.pxPerMv;
  const height = [-strip.height / 2, 2 * strip.height];
  drawTrace(tile.context, tile.drawn === null ? from : Math.max(from - 1, 0), until, x, y, height);
  tile.drawn = until;
}

function newTile(number, size, { ratio, height }) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(size * ratio);
  canvas.height = Math.round(2 * height * ratio);
  Object.assign(canvas.style, { left: `${(number - tiled.anchor) * size}px`, top: `${-height / 2}px`, width: `${size}px`, height: `${2 * height}px` });
  $("trace").append(canvas);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, (ratio * height) / 2);
  return { canvas, context, drawn: null };
}

function dropTile(number) {
  tiles.get(number).canvas.remove();
  tiles.delete(number);
}

function clearTiles() {
  for (const number of [...tiles.keys()]) dropTile(number);
}

// Samples from `start` to before `end` have changed.
function dropTiles(start, end) {
  const perTile = view.shown ? (Math.round(TILE_PX * view.shown.ratio) / view.shown.ratio) / view.shown.pxPerSample : 1;
  for (const number of [...tiles.keys()]) {
    if ((number + 1) * perTile >= start - 2 && number * perTile <= end + 2) dropTile(number);
  }
}

function drawTrace(context, start, end, x, y, [top, height]) {
  context.strokeStyle = colours.trace;
  context.lineWidth = 1.4;
  context.lineJoin = context.lineCap = "round";
  context.beginPath();
  let pen = false;
  let gapFrom = null;
  for (let at = start; at < end; at++) {
    const value = chunkOf(at)?.samples[at % session.chunkSamples] ?? INVALID;
    if (value === INVALID) {
      pen = false;
      gapFrom ??= at;
      continue;
    }
    if (gapFrom !== null) gapFrom = shadeGap(context, x(gapFrom), x(at), top, height);
    if (pen) context.lineTo(x(at), y(value / session.gain));
    else context.moveTo(x(at), y(value / session.gain));
    pen = true;
  }
  if (gapFrom !== null) shadeGap(context, x(gapFrom), x(end), top, height);
  context.stroke();
}

function shadeGap(context, from, to, top, height) {
  context.fillStyle = colours.gap;
  context.fillRect(Math.floor(from), top, Math.ceil(to) - Math.floor(from), height);
  return null;
}

// What lies on the trace. It moves with it, and is drawn for each frame.
function drawMarks(context, strip) {
  drawPulse(context, strip);
  drawBeats(context, strip);
  drawEpisodes(context, strip);
  if (calliper.on) drawCalliper(context, strip);
}

// The calibration pulse: 1 mV high, 0.2 s wide.
function drawPulse(context, { y }) {
  const width = 0.2 * view.speed * MM_PX;
  context.strokeStyle = colours.soft;
  context.lineWidth = 1.4;
  context.beginPath();
  const [low, high] = [y(baseline), y(baseline + 1)];
  context.moveTo(2, low);
  context.lineTo(5, low);
  context.lineTo(5, high);
  context.lineTo(5 + width, high);
  context.lineTo(5 + width, low);
  context.lineTo(8 + width, low);
  context.stroke();
}

function* marksBetween(kind, start, end) {
  const size = session.chunkSamples;
  for (let number = Math.max(0, Math.floor(start / size)); number <= Math.floor(end / size); number++) {
    for (const mark of chunks.get(number)?.[kind].values() ?? []) {
      if (mark.sample >= start && mark.sample < end) yield mark;
    }
  }
}

function drawBeats(context, { start, end, x, height }) {
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = "center";
  const all = [...marksBetween("references", start - 100, end + 100)];
  const references = all.filter((mark) => !mark.note);
  for (const beat of marksBetween("beats", start, end)) {
    const near = references.find((mark) => Math.abs(mark.sample - beat.sample) <= MATCH_S * session.fs);
    const wrong = references.length > 0 && near?.symbol !== beat.symbol;
    context.fillStyle = wrong ? colours.wrong : colours.mark;
    const at = x(beat.sample);
    context.fillRect(at - 0.5, 20, 1, 7);
    context.fillText(wrong ? `${beat.symbol} \u2260` : beat.symbol, at, 15);
  }
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = colours.soft;
  for (const mark of references) context.fillText(mark.symbol, x(mark.sample), height - 18);
  context.textAlign = "left";
  for (const mark of all.filter((one) => one.note)) context.fillText(mark.note, x(mark.sample), height - 4);
  if (all.length) {
    context.fillText("annotated", 4, height - 32);
  }
}

function drawEpisodes(context, { start, end, x }) {
  const shown = [];
  for (const event of events.values()) {
    if (event.onset < end && (event.open || event.end > start) && event.end > event.onset) shown.push(event);
  }
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  shown.slice(-4).forEach((event, row) => {
    const from = Math.max(x(event.onset), 0);
    const to = Math.min(x(event.open ? end : event.end), x(end));
    context.fillStyle = colours.wrong;
    context.fillRect(from, 32 + 15 * row, Math.max(to - from, 2), 2);
    context.fillText(event.name, from + 2, 45 + 15 * row);
  });
}

function drawCalliper(context, { x, y, width, height }) {
  if (calliper.from === null) return;
  context.strokeStyle = context.fillStyle = colours.calliper;
  context.setLineDash([5, 3]);
  context.lineWidth = 1.5;
  context.beginPath();
  for (const sample of [calliper.from, calliper.to]) line(context, x(sample), 0, x(sample), height);
  for (const mv of [calliper.low, calliper.high]) line(context, 0, y(mv), width, y(mv));
  context.stroke();
  context.setLineDash([]);
}

function drawMinute(end) {
  const [context, width, height] = fit($("minute"));
  const span = MINUTE_S * session.fs;
  const from = Math.max(0, Math.min(end, session.end) - span);
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, width, height);
  const [start, stop] = [end - stripSamples(), end];
  context.fillStyle = colours.gap;
  context.fillRect(((start - from) / span) * width, 0, ((stop - start) / span) * width, height);
  drawEnvelope(context, from, span, width, height);
  context.fillStyle = colours.wrong;
  for (const event of events.values()) {
    const to = event.open ? session.end : event.end;
    if (to < from || event.onset > from + span) continue;
    context.fillRect(((event.onset - from) / span) * width, 0, Math.max(((to - event.onset) / span) * width, 2), 4);
  }
  view.minute = { from, span, width };
}

function drawEnvelope(context, from, span, width, height) {
  const size = session.chunkSamples;
  const bucket = size / BUCKETS;
  const place = (value) => 0.56 * height - ((value / session.gain - baseline) * height) / 5;
  context.fillStyle = colours.trace;
  for (let number = Math.floor(from / size); number * size < from + span; number++) {
    const envelope = envelopeOf(number);
    for (let k = 0; envelope && k < BUCKETS; k++) {
      if (envelope.high[k] < envelope.low[k]) continue;
      const [left, right] = [k, k + 1].map((edge) => Math.round(((number * size + edge * bucket - from) / span) * width));
      const [top, bottom] = [place(envelope.high[k]), place(envelope.low[k])];
      context.fillRect(left, top, Math.max(right - left, 1), Math.max(bottom - top, 1));
    }
  }
}

// Smallest and largest sample in each of the parts of a chunk; parts that are complete are not searched again.
function envelopeOf(number) {
  const chunk = chunks.get(number);
  if (!chunk) return null;
  const bucket = session.chunkSamples / BUCKETS;
  chunk.envelope ??= { low: new Int16Array(BUCKETS).fill(32767), high: new Int16Array(BUCKETS).fill(INVALID), done: 0 };
  const { low, high, done } = chunk.envelope;
  const until = Math.min((session.tail ?? session.end) - number * session.chunkSamples, session.chunkSamples);
  for (let k = done; k * bucket < until; k++) {
    for (let at = Math.floor(k * bucket); at < (k + 1) * bucket; at++) {
      const value = chunk.samples[at];
      if (value === INVALID) continue;
      if (value < low[k]) low[k] = value;
      if (value > high[k]) high[k] = value;
    }
    if ((k + 1) * bucket <= until) chunk.envelope.done = k + 1;
  }
  return chunk.envelope;
}

let lastMinute = 0;
function frame(now) {
  requestAnimationFrame(frame);
  const began = performance.now();
  const passed = frames.last ? Math.min((now - frames.last) / 1000, 0.2) : 0;
  if (session.origin) show(now, passed);
  if (frames.last) {
    frames.times[frames.count % frames.times.length] = now - frames.last;
    frames.script[frames.count++ % frames.times.length] = performance.now() - began;
  }
  frames.last = now;
}

function show(now, passed) {
  if (view.live) advance(passed);
  else if (!view.dirty) return;
  const canvas = $("strip");
  const [context, width, height] = fit(canvas);
  if (view.dirty && ($("grid").width !== canvas.width || !view.gridDrawn)) {
    drawGrid();
    view.gridDrawn = true;
  }
  fetchMissing(view.end - Math.max(stripSamples(), MINUTE_S * session.fs), view.end);
  followBaseline(now, passed);
  const strip = stripAt(view.end, width, height);
  drawTiles(strip);
  if (view.dirty || strip.left !== view.shown?.left) {
    context.clearRect(0, 0, width, height);
    drawMarks(context, strip);
  }
  view.shown = strip;
  if (now - lastMinute > 250 || !view.live) {
    drawMinute(view.end);
    showPlace();
    lastMinute = now;
  }
  view.dirty = false;
}

// Follow the newest sample at the pace of the samples, and not in the steps in which they arrive.
function advance(passed) {
  const target = session.end - DELAY_S * session.fs;
  const moved = view.end + passed * session.fs;
  const error = target - moved;
  view.end = Math.abs(error) > session.fs ? target : Math.min(moved + 0.05 * error, session.end);
}

function showPlace() {
  const now = session.end - view.end;
  const from = view.end - stripSamples();
  $("place").textContent = `${clock(Math.max(from, 0))} to ${clock(view.end)}${view.live ? ", now" : `, ${duration(now)} before now`}. ` +
    `${view.speed} mm/s, ${view.gain} mm/mV${session.origin ? `, lead ${session.origin.lead}` : ""}.`;
  if (document.activeElement !== $("slider") || view.live) $("slider").value = String(Math.round(view.end / session.fs));
  $("slider").setAttribute("aria-valuetext", clock(view.end));
  $("live").disabled = view.live;
  $("pause").textContent = view.live ? "Pause" : "Continue";
  setExports();
}

// ---- controls ----------------------------------------------------------------------------------------

function clock(sample) {
  const total = Math.round((10 * Math.max(sample, 0)) / session.fs) / 10;
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const rest = (total % 60).toFixed(1).padStart(4, "0");
  return `${hours ? `${hours}:` : ""}${String(minutes).padStart(hours ? 2 : 1, "0")}:${rest}`;
}

function duration(samples) {
  const total = samples / session.fs;
  if (total < 59.95) return `${total.toFixed(1)} s`;
  const [whole, pad] = [Math.round(total), (part) => String(part).padStart(2, "0")];
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, pad(whole % 60)];
  return hours ? `${hours}:${pad(minutes)}:${rest} h` : `${minutes}:${rest} min`;
}

function goTo(end) {
  view.live = false;
  view.end = Math.max(Math.min(end, session.end), session.first + Math.min(stripSamples(), session.end - session.first));
  view.dirty = true;
}

function goLive() {
  view.live = true;
  view.end = session.end;
}

function setExports() {
  const length = Number($("length").value);
  const [start, end] = [Math.round(Math.max(0, view.end - (length ? length * session.fs : stripSamples()))), Math.round(view.end)];
  $("csv").href = `export.csv?start=${start}&end=${end}`;
  $("zip").href = `export.zip?start=${start}&end=${end}`;
}

function savePicture() {
  const strip = $("strip");
  const canvas = document.createElement("canvas");
  canvas.width = strip.width;
  canvas.height = strip.height;
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const at = stripAt(view.end, strip.clientWidth, strip.clientHeight);
  context.scale(ratio, ratio);
  drawPaper(context, at.width, at.height);
  drawTrace(context, Math.max(Math.floor(at.start), 0), Math.min(Math.ceil(at.end), session.end), at.x, at.y, [0, at.height]);
  drawMarks(context, at);
  context.fillStyle = colours.text;
  context.font = "12px system-ui, sans-serif";
  context.fillText(`${session.origin.name}, ${$("place").textContent}`, 6, strip.clientHeight - 5);
  canvas.toBlob((blob) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: "ecg.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

function setCalliper(on) {
  calliper.on = on;
  $("calliper").setAttribute("aria-pressed", String(on));
  if (on && view.live) goTo(view.end);
  if (on && calliper.from === null && view.shown) {
    const middle = (view.shown.start + view.shown.end) / 2;
    Object.assign(calliper, { from: middle, to: middle + 0.4 * session.fs, low: baseline, high: baseline + 1 });
  }
  measure();
}

function measure() {
  view.dirty = true;
  if (!calliper.on || calliper.from === null) {
    $("measured").textContent = "";
    return;
  }
  const ms = (1000 * Math.abs(calliper.to - calliper.from)) / session.fs;
  const mv = Math.abs(calliper.high - calliper.low);
  const rate = ms > 0 ? `, as an RR interval ${Math.round(60000 / ms)}/min` : "";
  $("measured").textContent = `Calliper: ${Math.round(ms)} ms${rate}; ${mv.toFixed(2)} mV.`;
}

function pointAt(event) {
  const box = $("strip").getBoundingClientRect();
  const { start, pxPerSample, middle, pxPerMv } = view.shown;
  return [start + (event.clientX - box.left) / pxPerSample, baseline - (event.clientY - box.top - middle) / pxPerMv];
}

function onPointer(event) {
  if (!calliper.on || !view.shown) return;
  const [sample, mv] = pointAt(event);
  if (event.type === "pointerdown") {
    calliper.dragging = true;
    $("strip").setPointerCapture(event.pointerId);
    Object.assign(calliper, { from: sample, to: sample, low: mv, high: mv });
  } else if (event.type === "pointermove" && calliper.dragging) {
    Object.assign(calliper, { to: sample, high: mv });
  } else if (event.type === "pointerup") calliper.dragging = false;
  if (calliper.dragging) measure();
}

function onKey(event) {
  const page = 10 * session.fs;
  const keys = {
    " ": () => $("pause").click(),
    PageUp: () => goTo(view.end - page),
    PageDown: () => goTo(view.end + page),
    Home: () => goTo(session.first),
    End: goLive,
  };
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (keys[event.key]) keys[event.key]();
  else if (step && calliper.on) moveCalliper(event, step);
  else if (step) goTo(view.end + step * session.fs);
  else return;
  event.preventDefault();
}

function moveCalliper(event, step) {
  if (event.key === "ArrowUp" || event.key === "ArrowDown") calliper[event.shiftKey ? "low" : "high"] += 0.05 * step;
  else calliper[event.shiftKey ? "from" : "to"] += Math.max(1, session.fs / 100) * step;
  measure();
}

function setUp() {
  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    view.gridDrawn = false;
  });
  addEventListener("resize", () => { view.dirty = true; view.gridDrawn = false; });
  $("pause").onclick = () => (view.live ? goTo(view.end) : goLive());
  $("live").onclick = goLive;
  $("back").onclick = () => goTo(view.end - 10 * session.fs);
  $("forward").onclick = () => goTo(view.end + 10 * session.fs);
  $("speed").onchange = () => { view.speed = Number($("speed").value); view.dirty = true; };
  $("gain").onchange = () => { view.gain = Number($("gain").value); view.dirty = true; };
  $("slider").oninput = () => goTo(Number($("slider").value) * session.fs);
  $("length").onchange = setExports;
  $("png").onclick = savePicture;
  $("calliper").onclick = () => setCalliper(!calliper.on);
  $("acknowledge").onclick = () => session.state?.alarms.filter((alarm) => !alarm.acknowledged).forEach(acknowledge);
  $("minute").onclick = (event) => {
    const box = $("minute").getBoundingClientRect();
    goTo(view.minute.from + ((event.clientX - box.left) / box.width) * view.minute.span + 0.5 * stripSamples());
  };
  $("sound").onclick = () => {
    sound.context ??= new AudioContext();
    sound.context.resume();
    sound.on = !sound.on;
    $("sound").textContent = sound.on ? "Sound is on" : "Sound is off";
    $("sound").setAttribute("aria-pressed", String(sound.on));
    $("silence").hidden = !sound.on;
    if (sound.on) pulse(sound.context.currentTime, 660);
  };
  $("silence").onclick = () => { sound.quietUntil = performance.now() + 120000; };
  for (const type of ["pointerdown", "pointermove", "pointerup"]) $("strip").addEventListener(type, onPointer);
  $("strip").addEventListener("keydown", onKey);
  setInterval(() => playAlarms(performance.now()), 200);
  connect();
  requestAnimationFrame(frame);
}

setUp();
