// The console's one script. Every form works without it; with it, pages answer in place.
"use strict";
(() => {
  const csrf = document.body.dataset.csrf || "";
  const say = document.getElementById("say");

  function toast(text, mistakes, bad) {
    if (!text) return;
    const box = document.createElement("p");
    box.className = bad ? "toast bad" : "toast";
    box.textContent = text[0].toUpperCase() + text.slice(1);
    if (mistakes && mistakes.length) {
      const list = document.createElement("ul");
      for (const one of mistakes.slice(0, 12)) {
        const item = document.createElement("li");
        item.textContent = one;
        list.append(item);
      }
      box.append(list);
    }
    if (bad) { box.tabIndex = 0; box.title = "Click to close"; box.addEventListener("click", () => box.remove()); }
    say.append(box);
    while (say.children.length > 3) say.firstElementChild.remove();
    if (!bad) setTimeout(() => box.remove(), mistakes && mistakes.length ? 30000 : 6000);
  }
  for (const one of say.children) setTimeout(() => one.remove(), 6000);

  // A word before what hurts.
  const sure = document.getElementById("sure");
  function agreed(text) {
    return new Promise((resolve) => {
      document.getElementById("sure-text").textContent = text;
      sure.returnValue = "no";
      sure.addEventListener("close", () => resolve(sure.returnValue === "yes"), { once: true });
      sure.showModal();
    });
  }

  async function send(form, button) {
    const data = new FormData(form);
    const files = form.enctype === "multipart/form-data";
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "X-Antiphon": "fetch", "X-CSRF": csrf },
      body: files ? data : new URLSearchParams(data),
    });
    const kind = answer.headers.get("content-type") || "";
    if (!kind.startsWith("application/json")) throw new Error(await answer.text());
    const told = await answer.json();
    if (answer.status === 401) { location.href = "/sign-in"; return; }
    if (!answer.ok) { toast(told.error, told.mistakes, true); return; }
    const into = form.dataset.into && document.querySelector(form.dataset.into);
    if (into) { into.innerHTML = told.html; return; }
    if ("quick" in form.dataset || ("keep" in form.dataset && !location.search.includes("new"))) {
      toast(told.message, told.mistakes);
      if ("keep" in form.dataset && form.action.includes("sentences.save")) await renewed();
      return;
    }
    await renewed();
    toast(told.message, told.mistakes);
  }

  // The same page anew, in place: the scroll stays, and what had the focus has it again.
  async function renewed() {
    const path = location.pathname + (location.search.includes("edit=") || location.search.includes("new") ? "" : location.search);
    const answer = await fetch(path, { headers: { Accept: "text/html" } });
    if (!answer.ok) { location.href = path; return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh) { location.href = path; return; }
    const open = [...document.querySelectorAll("main details[open] > summary")].map((one) => one.textContent);
    document.querySelector("main").replaceWith(fresh);
    for (const one of fresh.querySelectorAll("details > summary")) if (open.includes(one.textContent)) one.parentElement.open = true;
    if (path !== location.pathname + location.search) history.replaceState(null, "", path);
    tick();
    follow();
    meters();
    recorders();
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!("do" in form.dataset)) return;
    event.preventDefault();
    const button = event.submitter || form.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") return;
    if (form.dataset.confirm && !(await agreed(form.dataset.confirm))) return;
    button.setAttribute("aria-busy", "true");
    try {
      await send(form, button);
    } catch (error) {
      toast(String(error.message || error).slice(0, 300) || "The hub does not answer; try again.", [], true);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });

  document.addEventListener("input", (event) => {
    if (event.target.type !== "range") return;
    const shown = event.target.closest("label").querySelector("output");
    if (shown) shown.textContent = event.target.value;
  });

  // Times that go on.
  function ago(seconds) {
    if (seconds < 45) return "just now";
    if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
    return `${Math.round(seconds / 86400)} d ago`;
  }
  function left(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    const shown = parts[0] ? parts : parts.slice(1);
    return shown.map((one, index) => (index ? String(one).padStart(2, "0") : one)).join(":");
  }
  function tick() {
    const now = Date.now();
    for (const one of document.querySelectorAll("time[data-ago]")) {
      if (!one.title) one.title = one.textContent;
      one.textContent = ago((now - Date.parse(one.dateTime)) / 1000);
    }
    for (const one of document.querySelectorAll("time[data-due]")) one.textContent = left((Date.parse(one.dateTime) - now) / 1000);
  }
  tick();
  setInterval(tick, 1000);

  // Rooms, live.
  let source = null;
  function follow() {
    const grid = document.querySelector("[data-live]");
    const state = document.querySelector("[data-live-state]");
    if (!grid) { if (source) source.close(); source = null; return; }
    const lit = (on) => { if (state) { state.classList.toggle("on", on); state.textContent = on ? "Live" : "Coming back …"; } };
    if (source) { lit(source.readyState === 1); return; }
    source = new EventSource("/live");
    source.addEventListener("hello", () => {
      const now = document.querySelector("[data-live-state]");
      if (now) { now.classList.add("on"); now.textContent = "Live"; }
    });
    source.addEventListener("error", () => lit(false));
    source.addEventListener("room", (event) => {
      const told = JSON.parse(event.data);
      const part = document.createElement("template");
      part.innerHTML = told.html;
      const card = part.content.firstElementChild;
      const here = document.querySelector("[data-live]");
      if (!card || !here) return;
      const old = [...here.children].find((one) => one.dataset.key === told.key);
      if (old && old.contains(document.activeElement)) card.querySelector("a")?.setAttribute("data-refocus", "");
      if (old) old.replaceWith(card); else here.append(card);
      card.querySelector("[data-refocus]")?.focus();
      document.querySelector("[data-live-empty]")?.remove();
      const reply = card.querySelector(".response");
      if (reply && card.classList.contains("speaking")) document.querySelector("[data-live-say]").textContent = `${card.getAttribute("aria-label")}: ${reply.textContent}`;
      tick();
    });
  }
  follow();
  addEventListener("pagehide", () => { if (source) source.close(); source = null; });
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); });

  // What wake engines make of what they hear, while somebody looks: asked for again and again.
  let looking = null;
  function scored(place, rows, one) {
    const key = `${one.phrase} · ${one.engine}`;
    let row = rows.get(key);
    if (!row) {
      row = document.createElement("div");
      row.className = "score";
      row.innerHTML = '<span></span><meter min="0" max="1"></meter><b class="num"></b><small></small>';
      row.dataset.best = "0";
      rows.set(key, row);
      place.append(row);
    }
    const [name, bar, now, best] = row.children;
    row.dataset.best = Math.max(row.dataset.best, one.score);
    name.textContent = key;
    bar.value = one.score;
    bar.setAttribute("aria-label", key);
    now.textContent = one.score.toFixed(3);
    now.classList.toggle("good", one.score >= one.threshold);
    best.textContent = `best ${Number(row.dataset.best).toFixed(3)}, counts from ${one.threshold.toFixed(3)}`;
  }
  async function look(button) {
    const mine = (looking = {});
    const place = document.querySelector("[data-scores-into]");
    const say = document.querySelector("[data-scores-say]");
    const rows = new Map();
    let after = 0;
    place.replaceChildren();
    while (looking === mine && button.isConnected) {
      const answer = await fetch(`/api/v1/satellites/${button.dataset.scores}/scores?after=${after}`);
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.error);
      const none = told.shown.length ? "" : "It shows nothing: its microphone stands still, or its engines rest.";
      if (say.textContent !== none) say.textContent = none;
      for (const one of told.shown) {
        after = one.number;
        for (const score of one.scores.scores || []) scored(place, rows, score);
      }
    }
  }
  function meters() {
    for (const button of document.querySelectorAll("[data-scores]")) {
      button.hidden = false;
      button.onclick = async () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        const shown = (yes) => { button.setAttribute("aria-pressed", String(yes)); button.textContent = yes ? "Stop" : "Show the scores"; };
        shown(on);
        if (!on) { looking = null; return; }
        try { await look(button); } catch (error) { toast(String(error.message || error), [], true); shown(false); }
      };
    }
  }
  meters();

  // The microphone, for forms that take a recording: the one of the page that is a satellite.
  const title = document.title;
  let recording = null;
  function put(form, file) {
    const held = new DataTransfer();
    held.items.add(new File([file], "recording.wav", { type: "audio/wav" }));
    form.elements.wav.files = held.files;
  }
  async function speak(button) {
    const level = button.form.querySelector(".heard-level");
    const { record } = await import("/satellite/recorder.js");
    const shown = (on) => {
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? "● Recording: stop" : "Speak";
      level.hidden = !on;
      document.title = on ? `● Recording – ${title}` : title;
    };
    recording = await record((share) => { level.value = share; });
    try {
      shown(true);
      put(button.form, await recording.done);
    } finally {
      recording = null;
      shown(false);
    }
    button.form.requestSubmit(button.form.querySelector("button:not([data-record])"));
  }
  function recorders() {
    for (const button of document.querySelectorAll("[data-record]")) {
      button.hidden = false;
      button.onclick = async () => {
        if (recording) { recording.stop(); return; }
        try { await speak(button); } catch (error) { toast(String(error.message || error), [], true); }
      };
      const field = button.form.elements.wav;
      field.onchange = async () => {
        if (!field.files.length) return;
        try {
          const { converted } = await import("/satellite/recorder.js");
          put(button.form, await converted(field.files[0]));
        } catch {
          field.value = "";
          toast("This browser cannot play that file: choose another recording.", [], true);
        }
      };
    }
  }
  recorders();
  addEventListener("pagehide", () => { if (recording) recording.stop(); });

  // Light and dark.
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      document.cookie = `antiphon-theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    });
  }

  // The menu: open beside the page where there is room, closed above it where there is none.
  const menu = document.querySelector("[data-menu]");
  if (menu) {
    const wide = matchMedia("(min-width: 60.01rem)");
    const fit = () => { menu.open = wide.matches; };
    fit();
    wide.addEventListener("change", fit);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open && !wide.matches) { menu.open = false; menu.querySelector("summary").focus(); }
    });
  }
})();
