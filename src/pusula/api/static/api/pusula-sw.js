/*
 * The service worker that shows web pushes. A worker must come from the site's own address, so the
 * site keeps a file /pusula-sw.js with one line: importScripts("https://HOST/pusula-sw.js");
 */
"use strict";

const told = new URL(self.location).searchParams;

// Tells the installation what became of a notification, as an event of the visitor who subscribed.
function tell(event, data) {
  const properties = { push_id: data.id, url: data.url };
  const message = {
    type: "track",
    event,
    messageId: `${event}:${data.id}:${told.get("visitor")}`, // however often the browser says so
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

self.addEventListener("push", (event) => {
  const payload = event.data ? event.data.json() : {};
  const { title, navigate, ...options } = payload.notification || {};
  options.data = { id: payload.id, url: navigate };
  event.waitUntil(
    Promise.all([
      self.registration.showNotification(title || "", options),
      tell("Push Notification Received", options.data),
    ]),
  );
});

self.addEventListener("notificationclick", (event) => {
  const { data } = event.notification;
  event.notification.close();
  event.waitUntil(
    Promise.all([
      tell("Push Notification Tapped", data),
      data.url ? self.clients.openWindow(data.url) : null,
    ]),
  );
});

self.addEventListener("notificationclose", (event) => {
  event.waitUntil(tell("Push Notification Dismissed", event.notification.data));
});
