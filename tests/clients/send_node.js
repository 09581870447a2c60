// Sends the story with one of the three Node SDKs: node send_node.js segment|rudder|old URL KEY
"use strict";

const story = require("./story.json");

const [name, url, key] = process.argv.slice(2);
const failed = [];

// Returns the SDK, pointed at the server as its documentation says, and how it is ended.
function client() {
  if (name === "segment") {
    const { Analytics } = require("@segment/analytics-node");
    const analytics = new Analytics({ writeKey: key, host: url, flushInterval: 500, maxRetries: 10 });
    analytics.on("error", (error) => failed.push(`${error.code}: ${error.reason}`));
    return [analytics, () => analytics.closeAndFlush({ timeout: 60_000 })];
  }
  if (name === "rudder") {
    const Rudder = require("@rudderstack/rudder-sdk-node");
    const analytics = new Rudder(key, {
      dataPlaneUrl: url,
      flushAt: 10,
      flushInterval: 500,
      retryCount: 10,
      logLevel: "error",
      errorHandler: (error) => failed.push(String(error)),
    });
    return [analytics, () => analytics.flush()];
  }
  const Old = require("analytics-node");
  const analytics = new Old(key, {
    host: url,
    flushAt: 10,
    flushInterval: 500,
    retryCount: 10,
    errorHandler: (error) => failed.push(String(error)),
  });
  return [analytics, () => analytics.flush()];
}

async function main() {
  const [analytics, end] = client();
  const searchedAt = new Date(Math.floor((Date.now() - story.earlier_s * 1000) / 1000) * 1000);
  analytics.identify({ userId: story.guest, traits: story.traits });
  analytics.track({
    userId: story.guest,
    event: "Stay Searched",
    properties: story.search,
    timestamp: searchedAt,
  });
  analytics.page({
    userId: story.guest,
    category: "Rooms",
    name: "Deniz",
    properties: { path: "/odalar/deniz" },
  });
  analytics.screen({ userId: story.guest, name: "Basket", properties: { n_rooms: 2 } });
  analytics.group({ userId: story.guest, groupId: "acenta-1", traits: { name: "Ege Turizm" } });
  analytics.alias({ previousId: story.visitor, userId: story.guest });
  for (let number = 0; number < story.n_views; number++) {
    analytics.track({ userId: story.guest, event: "Stay Viewed", properties: { position: number } });
  }
  await end();
  // Batches that were under way before the last one are ended by their own timers.
  process.on("exit", () =>
    console.log(JSON.stringify({ searched_at: searchedAt.toISOString(), failed })),
  );
}

main();
