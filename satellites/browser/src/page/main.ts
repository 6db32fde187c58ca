// The page: wires its elements to the satellite.

import "./style.css";
import { askHouse, SignedOutError } from "../link/access";
import type { HouseFacts } from "../link/access";
import { contextTrouble } from "../listen/microphone";
import { newId, slugOf } from "../protocol/topic";
import { Satellite } from "./satellite";
import { microphoneWords, wordsFor } from "./words";
import type { View } from "./words";

const ROOM_KEY = "antiphon.room";
const ID_KEY = "antiphon.satellite";
const METER_FLOOR_DB = -60;
const NOT_STARTED: View = {
  started: false,
  link: "connecting",
  why: "",
  state: "away",
  recording: false,
  microphone: "closed",
  trouble: "",
  listensAlways: false,
  rival: null,
  incompatible: "",
  rings: "",
};

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`the page has no #${id}`);
  }
  return found as T;
}

const page = {
  setup: element<HTMLFormElement>("setup"),
  room: element<HTMLInputElement>("room"),
  rooms: element<HTMLDataListElement>("rooms"),
  setupTrouble: element("setup-trouble"),
  talkPart: element("talk-part"),
  talk: element<HTMLButtonElement>("talk"),
  headline: element("headline"),
  detail: element("detail"),
  microphone: element("microphone"),
  level: element("level"),
  always: element<HTMLInputElement>("always"),
  place: element("place"),
  change: element<HTMLButtonElement>("change"),
  signIn: element("sign-in"),
};

let satellite: Satellite | null = null;
const title = document.title;

function show(): void {
  const view = satellite?.view ?? NOT_STARTED;
  const words = wordsFor(view);
  setText(page.headline, words.headline);
  setText(page.detail, words.detail);
  setText(page.talk.querySelector("span") ?? page.talk, words.button);
  setText(page.microphone, microphoneWords(view));
  document.body.dataset["mood"] = words.mood;
  document.body.dataset["state"] = view.state;
  document.body.dataset["microphone"] = view.recording ? "recording" : view.microphone;
  page.signIn.hidden = view.link !== "signed-out";
  document.title = view.recording ? `● Recording – ${title}` : title;
}

/** Change only what differs: screen readers say what was written, and so would they say it again. */
function setText(where: Element, text: string): void {
  if (where.textContent !== text) {
    where.textContent = text;
  }
}

function drawLevel(): void {
  const level = satellite?.levelDbfs ?? METER_FLOOR_DB;
  const share = Math.max(0, Math.min(1, 1 - level / METER_FLOOR_DB));
  page.level.style.transform = `scaleX(${share.toFixed(3)})`;
  requestAnimationFrame(drawLevel);
}

/** Return this browser's id in that room, the same each time. */
function satelliteId(room: string): string {
  const kept = localStorage.getItem(ID_KEY);
  if (kept !== null && slugOf(kept) === kept) {
    return kept;
  }
  const made = slugOf(`browser-${room.slice(0, 30)}-${newId("x").slice(2, 8)}`);
  localStorage.setItem(ID_KEY, made);
  return made;
}

/** Return what tells people which browser this is: `Firefox on Android`. */
function browserName(): string {
  const agent = navigator.userAgent;
  const browser = ["Edg", "Firefox", "Chrome", "Safari"].find((one) => agent.includes(one)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((one) => agent.includes(one)) ?? "";
  return system === "" ? browser : `${browser} on ${system}`;
}

function start(): void {
  const room = page.room.value.trim();
  localStorage.setItem(ROOM_KEY, room);
  const who = { satellite: satelliteId(room), room, host: browserName(), software: "browser 0.1.0" };
  satellite = new Satellite(who, new AudioContext({ latencyHint: "interactive" }));
  satellite.onChange = show;
  satellite.onIdentify = () => {
    document.body.classList.add("identify");
    setTimeout(() => document.body.classList.remove("identify"), 3000);
  };
  page.setup.hidden = true;
  page.talkPart.hidden = false;
  setText(page.place, room);
  void satellite.start();
  show();
  page.talk.focus();
}

function wireButton(): void {
  let touched = false;
  const down = (): void => {
    touched = true;
    void satellite?.press();
  };
  const up = (): void => satellite?.release();
  page.talk.addEventListener("pointerdown", (event) => {
    if (event.button === 0) {
      page.talk.setPointerCapture(event.pointerId);
      down();
    }
  });
  page.talk.addEventListener("pointerup", up);
  page.talk.addEventListener("pointercancel", up);
  page.talk.addEventListener("contextmenu", (event) => event.preventDefault());
  page.talk.addEventListener("keydown", (event) => {
    if ((event.key === " " || event.key === "Enter") && !event.repeat) {
      event.preventDefault();
      down();
    }
  });
  page.talk.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      up();
    }
  });
  page.talk.addEventListener("click", () => {
    if (!touched) {
      void satellite?.press(); // a screen reader's click comes without pointer or key
    }
    touched = false;
  });
}

async function main(): Promise<void> {
  wireButton();
  page.always.addEventListener("change", () => void satellite?.listenAlways(page.always.checked));
  page.change.addEventListener("click", () => {
    satellite?.stop();
    location.reload();
  });
  window.addEventListener("online", () => satellite?.hurry());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      satellite?.hurry();
    }
  });
  window.addEventListener("pagehide", () => satellite?.stop());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      location.reload();
    }
  });
  setText(page.setupTrouble, contextTrouble(window));
  page.room.value = localStorage.getItem(ROOM_KEY) ?? "";
  page.setup.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  show();
  drawLevel();
  let facts: HouseFacts;
  try {
    facts = await askHouse();
  } catch (error) {
    page.signIn.hidden = !(error instanceof SignedOutError);
    return;
  }
  const options = facts.rooms.map((room) => Object.assign(document.createElement("option"), { value: room }));
  page.rooms.replaceChildren(...options);
  if (page.room.value === "" && facts.rooms.length === 1) {
    page.room.value = facts.rooms[0] ?? "";
  }
}

void main();
