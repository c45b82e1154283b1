// Everything works without this module. It adds relative times, copy buttons, keys for reviews, and live updates.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

function tellTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    if (Math.abs(seconds) >= 30 * 86400) continue;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
    time.title ||= time.textContent;
    time.textContent = ago.format(Math.round(seconds / size), unit);
  }
}

// On paper, nobody knows from when "5 min. ago" is counted.
function tellTimesOnPaper() {
  addEventListener("beforeprint", () => {
    for (const time of document.querySelectorAll("time[data-relative][title]")) time.textContent = time.title;
  });
  addEventListener("afterprint", tellTimes);
}

function addCopyButtons(place) {
  if (!navigator.clipboard) return;
  for (const id of place.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = document.body.dataset.copyWord;
    button.setAttribute("aria-label", `${button.textContent} ${id.textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(id.textContent);
      say(document.body.dataset.copied);
    });
    id.after(button);
  }
}

function say(text) {
  const live = document.querySelector("#live");
  if (live) live.textContent = text;
}

function warn(part, why) {
  const note = document.createElement("div");
  note.className = "note warn";
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = document.body.dataset.again;
  note.append(why, " ", link);
  part.before(note);
  say(why);
}

// A page names its keys: data-key="y" on a button or link. J and K walk along [data-walk] links. A key that is held down counts
// once: what it repeats would reach the next question, which nobody has read.
function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    const named = /^[a-z]$/.test(key) && document.querySelector(`[data-key="${key}"]`);
    if (!named) walk({ j: 1, k: -1 }[key]);
    else if (!event.repeat) named.click();
  });
}

// A second click on a slow form would send it again, and the browser shows the last answer only: a token would be lost with the
// first. After ten seconds, it counts.
function sendOnce() {
  let sent = -Infinity;
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.timeStamp - sent < 10_000) event.preventDefault();
    else sent = event.timeStamp;
  });
  addEventListener("pageshow", () => { sent = -Infinity; });
}

function walk(step) {
  if (!step) return;
  const stops = [...document.querySelectorAll("[data-walk]")];
  const here = stops.indexOf(document.activeElement);
  const next = here < 0 ? (step > 0 ? 0 : stops.length - 1) : here + step;
  stops[next]?.focus();
}

// [data-live] names a stream of server-sent events. When it tells of something, the part is taken from a fresh page. What the
// reader has opened or focused stays as it is.
function follow() {
  const part = document.querySelector("[data-live]");
  if (!part) return;
  const events = new EventSource(part.dataset.live);
  let waiting = 0;
  const stop = (why) => { events.close(); clearTimeout(waiting); warn(part, why); };
  const soon = (after = 1000) => { waiting ||= setTimeout(renew, after); };
  const renew = async () => {
    waiting = 0;
    if (part.contains(document.activeElement) || part.querySelector("details[open]")) return;
    const answer = await fetch(location.href, { headers: { "X-Unattended": "yes" } }).catch(() => null);
    if (!answer || answer.status >= 500) return soon(3000);
    if (!answer.ok || answer.redirected) return stop(document.body.dataset.over);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.body.dataset.build !== document.body.dataset.build) return stop(document.body.dataset.outdated);
    const fresh = page.querySelector("[data-live]");
    if (!fresh) return stop(document.body.dataset.over);
    const told = part.querySelector("[data-announce]")?.innerText;
    part.replaceChildren(...fresh.childNodes);
    const news = part.querySelector("[data-announce]")?.innerText;
    if (news !== told) say(news);
    tellTimes();
    addCopyButtons(part);
  };
  // The stream begins where the page ends. It comes back by itself, unless it is refused.
  for (const kind of ["audit", "gap", "overview"]) events.addEventListener(kind, () => soon());
  events.addEventListener("error", () => { if (events.readyState === EventSource.CLOSED) stop(document.body.dataset.over); });
  addEventListener("pagehide", () => events.close());
}

tellTimes();
setInterval(tellTimes, 30_000);
tellTimesOnPaper();
addCopyButtons(document);
listenToKeys();
sendOnce();
follow();
