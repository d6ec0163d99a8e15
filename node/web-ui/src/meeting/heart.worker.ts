/** Ticks also in tabs that nobody looks at, where timers of pages are slowed down. */
setInterval(() => postMessage(0), 250);
