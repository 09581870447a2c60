/*
 * The service worker that shows web pushes. A worker must come from the site's own address, so the
 * site keeps a file /pusula-sw.js with one line: importScripts("https://HOST/pusula-sw.js");
 */
"use strict";

const told = new URL(self.location).searchParams;

// Tells the installation what became of a notification, as an event of the visitor who subscribed.
function tell(event, properties, number) {
  const message = {
    type: "track",
    event,
    messageId: `${event}:${number}:${told.get("visitor")}`, // however often the browser says so
    anonymousId: told.get("visitor"),
    timestamp: new Date().toISOString(),
    properties,
  };
  const body = JSON.stringify({ writeKey: told.get("key"), batch: [message] });
  return fetch(told.get("host") + "/v1/b", {
    method: "POST",
    body,
    credentials: "omit",
    keepalive: true,
  }).catch(() => {});
}

const tellOf = (event, data) => tell(event, { push_id: data.id, url: data.url }, data.id);

self.addEventListener("push", (event) => {
  const payload = event.data ? event.data.json() : {};
  const { title, navigate, ...options } = payload.notification || {};
  options.data = { id: payload.id, url: navigate };
  event.waitUntil(
    Promise.all([
      self.registration.showNotification(title || "", options),
      tellOf("Push Notification Received", options.data),
    ]),
  );
});

self.addEventListener("notificationclick", (event) => {
  const { data } = event.notification;
  event.notification.close();
  event.waitUntil(
    Promise.all([
      tellOf("Push Notification Tapped", data),
      data.url ? self.clients.openWindow(data.url) : null,
    ]),
  );
});

self.addEventListener("notificationclose", (event) => {
  event.waitUntil(tellOf("Push Notification Dismissed", event.notification.data));
});

// The browser changed its address by itself: nobody was asked anew, and nothing is agreed to anew.
self.addEventListener("pushsubscriptionchange", (event) => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const renew = async () => {
    const before = event.oldSubscription;
    const subscription =
      event.newSubscription ||
      (await self.registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: bytes(told.get("vapid")),
      }));
    const { endpoint, expirationTime, keys } = subscription.toJSON();
    await tell(
      "Push Subscribed",
      {
        endpoint,
        expires: expirationTime,
        ...keys,
        vapid_key: told.get("vapid"),
        ...(before && { replaces: before.endpoint }),
      },
      endpoint.slice(-60),
    );
  };
  event.waitUntil(renew().catch(() => {})); // permission is gone: there is nothing to renew
});
