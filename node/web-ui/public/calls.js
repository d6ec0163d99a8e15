/* global self */
/* Buttons of the notice that somebody calls: what was clicked is told to the pages, which do it. It keeps nothing. */
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('notificationclick', (event) => {
  const { notification, action } = event;
  notification.close();
  const act = async () => {
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    // One page does it: the one that was looked at last.
    const [page] = pages;
    page?.postMessage({ call: notification.data?.call, act: action || 'show' });
    if (action === 'decline') return;
    if (page) await page.focus();
    else await self.clients.openWindow('/home');
  };
  event.waitUntil(act());
});
