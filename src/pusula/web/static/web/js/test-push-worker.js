// Shows the test pushes of the team in the browser that asked for them.

self.addEventListener("push", (event) => {
  const { title, navigate, ...options } = event.data.json().notification;
  event.waitUntil(self.registration.showNotification(title, { ...options, data: navigate }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  if (event.notification.data) event.waitUntil(self.clients.openWindow(event.notification.data));
});
