// <ps-test-push data-key="…" data-worker="…" data-post="…"> with a button: asks this browser for
// permission to show test pushes and posts its subscription as a form, which answers with the page.

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

// Nobody can subscribe before the worker runs.
async function running(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return;
  await new Promise((done) => {
    worker.addEventListener("statechange", () => worker.state === "activated" && done());
  });
}

async function subscribed(key, worker) {
  if (!("PushManager" in window)) return null;
  if ((await Notification.requestPermission()) !== "granted") return null;
  const found = await navigator.serviceWorker.register(worker);
  await running(found);
  const held = await found.pushManager.getSubscription();
  if (held) await held.unsubscribe(); // it may be of another key
  return found.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

class TestPush extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").addEventListener("click", () => this.ask());
  }

  async ask() {
    const subscription = await subscribed(this.dataset.key, this.dataset.worker).catch(() => null);
    this.querySelector("[data-refused]").hidden = Boolean(subscription);
    if (subscription) this.post(subscription.toJSON());
  }

  post({ endpoint, keys }) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = this.dataset.post;
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    for (const [name, value] of Object.entries({ csrfmiddlewaretoken: token, endpoint, ...keys })) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  }
}

customElements.define("ps-test-push", TestPush);
