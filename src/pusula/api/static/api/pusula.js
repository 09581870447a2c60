/*
 * Pusula's own snippet: tells an installation what happens on a web page.
 *
 *   <script async src="https://HOST/pusula.js" data-key="wk_…"></script>
 *
 * pusula("track", …) may be called before this file is here (docs/tracking.md has the stub), and
 * pusula.track(…) after. Until pusula.consent(true) nothing is stored on the device: the visitor's
 * number lives as long as the page. No cookies ever, no eval, no styles.
 */
(() => {
  "use strict";
  const VERSION = "1";
  const STORE = "pusula"; // who the visitor is, once they have agreed
  const QUEUE = "pusula.queue"; // what has not been acknowledged yet, once they have agreed
  const MOST_WAITING = 200;
  const MOST_IN_BATCH = 50;
  const MOST_KEPT_ALIVE = 60000; // bytes that a browser still sends while it leaves a page
  const LARGEST = 32000;
  const GATHER_MS = 100;
  const FIRST_PAUSE_MS = 1000;
  const LONGEST_PAUSE_MS = 60000;
  const NEVER = [400, 401, 403, 404, 413]; // the same again would be refused again
  const STEPS = {
    viewed: "Stay Viewed",
    started: "Booking Started",
    payment: "Payment Info Entered",
    completed: "Booking Completed",
    modified: "Booking Modified",
    cancelled: "Booking Cancelled",
  };

  const tag = document.currentScript || document.querySelector("script[data-key][src*='pusula.']");
  const before = window.pusula;
  if (!tag || (before && before.version)) return;
  const key = tag.dataset.key;
  const host = (tag.dataset.host || new URL(tag.src).origin).replace(/\/$/, "");
  const holds = tag.dataset.beforeConsent === "hold";

  const number = () =>
    [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
  const warn = (text) => console.warn("pusula: " + text);

  // A browser may forbid its storage altogether; then it is as if nobody had agreed.
  const read = (name) => {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  };
  const write = (name, value) => {
    try {
      if (value) localStorage.setItem(name, JSON.stringify(value));
      else localStorage.removeItem(name);
    } catch {
      // Full or forbidden: what waits stays in memory.
    }
  };

  const known = read(STORE);
  let agreed = !!known;
  let refused = false;
  let visitor = (known && known.visitor) || number();
  let user = (known && known.user) || null;
  let traits = {};
  let waiting = [];
  let sending = false;
  let pause = 0;
  let failures = 0;
  let timer = 0;

  const remember = () => agreed && write(STORE, { visitor, user });

  // Other tabs keep theirs under the same name: add and take away, never write over. What two tabs
  // send twice is counted once.
  const keep = (added, done) => {
    if (!agreed) return;
    const ids = new Set([...added, ...done].map((one) => one.messageId));
    const held = (read(QUEUE) || []).filter((one) => !ids.has(one.messageId));
    const all = [...held, ...added].slice(-MOST_WAITING);
    write(QUEUE, all.length ? all : null);
  };

  const context = () => {
    const found = {
      library: { name: "pusula.js", version: VERSION },
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      page: {
        path: location.pathname,
        referrer: document.referrer,
        search: location.search,
        title: document.title,
        url: location.href,
      },
    };
    for (const [name, value] of new URLSearchParams(location.search))
      if (name.startsWith("utm_")) {
        const short = name.slice(4);
        (found.campaign ||= {})[short === "campaign" ? "name" : short] = value;
      }
    return found;
  };

  const tell = (type, fields) => {
    if (refused && holds) return;
    const message = {
      type,
      messageId: number(),
      anonymousId: visitor,
      ...(user && { userId: user }),
      timestamp: new Date().toISOString(),
      context: context(),
      ...fields,
    };
    if (new Blob([JSON.stringify(message)]).size > LARGEST) return warn("too large: " + type);
    waiting.push(message);
    waiting = waiting.slice(-MOST_WAITING);
    keep([message], []);
    later(GATHER_MS);
  };

  const later = (ms) => {
    if (!sending && !pause) {
      clearTimeout(timer);
      timer = setTimeout(send, ms);
    }
  };

  const pack = (batch) => JSON.stringify({ writeKey: key, sentAt: new Date().toISOString(), batch });

  // Plain text without own headers: the browser asks no permission first (no preflight).
  const post = (body) =>
    fetch(host + "/v1/b", {
      method: "POST",
      body,
      credentials: "omit",
      keepalive: body.length < MOST_KEPT_ALIVE,
    });

  const send = async () => {
    clearTimeout(timer);
    pause = 0;
    if (sending || !waiting.length || (holds && !agreed)) return;
    sending = true;
    const batch = waiting.slice(0, MOST_IN_BATCH);
    let done = false;
    try {
      const answer = await post(pack(batch));
      done = answer.ok || NEVER.includes(answer.status);
      if (done && !answer.ok) warn("refused with status " + answer.status);
    } catch {
      // No connection: the same as an answer that says "later".
    }
    sending = false;
    if (done) {
      waiting = waiting.filter((one) => !batch.includes(one));
      keep([], batch);
      failures = 0;
      if (waiting.length) later(0);
    } else {
      failures += 1;
      const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      pause = 1;
      timer = setTimeout(send, ms * (0.5 + Math.random() / 2));
    }
  };
  // The page is left: say the rest now. With consent it also stays stored until acknowledged.
  const leave = () => {
    if (document.visibilityState !== "hidden" || !waiting.length || (holds && !agreed)) return;
    let batch = waiting.slice(-MOST_IN_BATCH);
    while (batch.length > 1 && pack(batch).length > MOST_KEPT_ALIVE) batch = batch.slice(1);
    if ("keepalive" in Request.prototype) post(pack(batch)).then(
      (answer) => {
        if (!answer.ok) return;
        waiting = waiting.filter((one) => !batch.includes(one));
        keep([], batch);
      },
      () => {},
    );
    else navigator.sendBeacon(host + "/v1/b", pack(batch));
  };
  document.addEventListener("visibilitychange", leave);
  addEventListener("online", () => waiting.length && send());

  const api = {
    version: VERSION,
    page: (name, properties) =>
      tell("page", { ...(typeof name === "string" && name && { name }),
        properties: { ...context().page, ...(typeof name === "object" ? name : properties) } }),
    track: (event, properties) => tell("track", { event, properties: properties || {} }),
    identify: (id, given) => {
      if (id && typeof id === "object") [id, given] = [null, id];
      if (id) user = String(id);
      traits = { ...traits, ...given };
      remember();
      tell("identify", { traits });
    },
    group: (groupId, given) => tell("group", { groupId, traits: given || {} }),
    search: (properties) => api.track("Stay Searched", properties),
    booking: (step, properties) =>
      STEPS[step]
        ? api.track(STEPS[step], properties)
        : api.track("Booking Step Viewed", { step, ...properties }),
    // Yes: the visitor is known again next time. No: whatever was stored is removed.
    consent: (yes) => {
      if (!yes) {
        agreed = false;
        refused = true;
        write(STORE, null);
        write(QUEUE, null);
        if (holds) waiting = [];
        return api.reset();
      }
      agreed = true;
      refused = false;
      remember();
      keep(waiting, []);
      later(0);
    },
    // Somebody else sits down, or has signed out: what comes is of a new visitor.
    reset: () => {
      visitor = number();
      user = null;
      traits = {};
      remember();
    },
    id: () => visitor,
    // After a click of the visitor: asks for permission and tells the subscription as an event.
    push: async (vapidKey, options) => {
      if (!agreed || !("PushManager" in window)) return false;
      const where = new URLSearchParams({ host, key, visitor, vapid: vapidKey });
      const worker = (options && options.worker) || "/pusula-sw.js";
      const found = await navigator.serviceWorker.register(worker + "?" + where);
      const asked = Notification.permission === "default"; // else the answer is an old one
      if ((await Notification.requestPermission()) !== "granted") return false;
      const server = bytes(vapidKey);
      let held = await found.pushManager.getSubscription();
      if (held && String(new Uint8Array(held.options.applicationServerKey)) !== String(server)) {
        await held.unsubscribe(); // of another key: nobody can send to it any more
        held = null;
      }
      const subscription =
        held ||
        (await found.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: server }));
      const { endpoint, expirationTime, keys } = subscription.toJSON();
      const said = { endpoint, expires: expirationTime, ...keys, vapid_key: vapidKey, asked };
      api.track("Push Subscribed", said);
      return true;
    },
  };

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

  const pusula = (name, ...given) =>
    typeof api[name] === "function" ? api[name](...given) : warn("no call " + name);
  window.pusula = Object.assign(pusula, api);

  if (agreed) waiting = read(QUEUE) || [];
  if (tag.dataset.page !== "off") api.page();
  for (const given of (before && before.q) || []) pusula(...given);
  if (waiting.length) later(GATHER_MS);
})();
