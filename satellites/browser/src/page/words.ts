// What the page says for each state of affairs. Pure.

import type { State } from "../conversation/machine";
import type { LinkState } from "../link/broker";

/** What the page shows. */
export interface View {
  readonly started: boolean;
  readonly link: LinkState;
  /** Why the link is as it is; empty: nothing to say. */
  readonly why: string;
  readonly state: State;
  readonly recording: boolean;
  readonly microphone: "closed" | "open" | "trouble";
  /** What is wrong with the microphone, for a person. */
  readonly trouble: string;
  readonly listensAlways: boolean;
  /** Where another tab or browser has our id: its name. */
  readonly rival: string | null;
  /** Versions of hub and page that do not go together. */
  readonly incompatible: string;
  /** What rings; empty: nothing. */
  readonly rings: string;
}

export interface Words {
  /** One short line: what is going on. */
  readonly headline: string;
  /** What to do, or what it means. */
  readonly detail: string;
  /** For the button. */
  readonly button: string;
  /** How it looks: colours are chosen by it. */
  readonly mood: "off" | "rest" | "recording" | "busy" | "speaking" | "ringing" | "trouble";
}

const LINK_TROUBLES: Readonly<Record<LinkState, readonly [string, string]>> = {
  connecting: ["Connecting…", "Looking for the hub."],
  lost: ["No connection", "The console cannot be reached. This page tries again by itself."],
  "signed-out": ["Signed out", "Sign in to the console, then come back to this page."],
  refused: ["Not let in", "The hub does not take this browser."],
  connected: ["No hub", "The broker is there, and no hub at it. It may be starting."],
};

/** Return what to say. */
export function wordsFor(view: View): Words {
  const trouble = troubleWords(view);
  if (trouble !== null) {
    return trouble;
  }
  if (view.rings !== "" && !view.recording) {
    return { headline: view.rings, detail: "Press to stop it.", button: "Stop", mood: "ringing" };
  }
  switch (view.state) {
    case "calling":
    case "listening":
    case "standing-by":
      return { headline: "Listening", detail: "Speak now. What you say goes to your hub.", button: "Done", mood: "recording" };
    case "holding":
      return { headline: "Listening", detail: "The hub is away for a moment.", button: "Done", mood: "recording" };
    case "thinking":
    case "waiting":
      return { headline: "Thinking…", detail: "The microphone's sound goes nowhere now.", button: "Talk", mood: "busy" };
    case "playing":
      return { headline: "Answering", detail: "Press to interrupt.", button: "Talk", mood: "speaking" };
    default:
      return resting(view);
  }
}

function troubleWords(view: View): Words | null {
  const trouble = (headline: string, detail: string): Words => ({ headline, detail, button: "Talk", mood: "trouble" });
  if (!view.started) {
    return { headline: "Not started", detail: "Choose the room that you are in, and start.", button: "Talk", mood: "off" };
  }
  if (view.rival !== null) {
    return trouble("Open elsewhere", `${view.rival || "Another page"} is this satellite already. Close that one; this page takes over then.`);
  }
  if (view.incompatible !== "") {
    return trouble("Versions differ", view.incompatible);
  }
  const waits = view.state === "holding" || view.state === "waiting"; // for a hub that may be back in a moment
  if (!waits && (view.link !== "connected" || view.state === "away" || view.state === "missed")) {
    const [headline, detail] = LINK_TROUBLES[view.link];
    const why = (view.link === "lost" || view.link === "refused") && view.why !== "" ? ` (${view.why})` : "";
    return trouble(headline, detail + why);
  }
  return null;
}

function resting(view: View): Words {
  if (view.microphone === "trouble") {
    return { headline: "No microphone", detail: view.trouble, button: "Talk", mood: "trouble" };
  }
  const detail = view.listensAlways
    ? "When it hears a voice, what is said goes to your hub, which looks for the wake word in it."
    : "Hold to talk, or tap and speak.";
  return { headline: "Ready", detail, button: "Talk", mood: "rest" };
}

/** Return what the small line about the microphone says: it is always shown. */
export function microphoneWords(view: View): string {
  if (view.recording) {
    return "● Recording";
  }
  if (view.microphone === "open") {
    return view.listensAlways ? "Microphone on, awaits a voice" : "Microphone on, sends nothing";
  }
  return view.microphone === "trouble" ? "No microphone" : "Microphone off";
}
