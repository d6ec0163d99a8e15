import { useEffect, useState } from 'react';

const STILL_MS = 4_000;

/** The whole screen; there, the bar goes away while the pointer is still. */
export function useFullScreen() {
  const [on, setOn] = useState(false);
  const [still, setStill] = useState(false);
  useEffect(() => {
    const follow = () => setOn(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', follow);
    return () => document.removeEventListener('fullscreenchange', follow);
  }, []);
  useEffect(() => {
    if (!on) return;
    let timer: ReturnType<typeof setTimeout>;
    const moved = () => {
      setStill(false);
      clearTimeout(timer);
      timer = setTimeout(() => setStill(true), STILL_MS);
    };
    moved();
    const events = ['pointermove', 'pointerdown', 'keydown'];
    events.forEach((name) => window.addEventListener(name, moved));
    return () => {
      clearTimeout(timer);
      events.forEach((name) => window.removeEventListener(name, moved));
    };
  }, [on]);
  const toggle = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void document.documentElement.requestFullscreen().catch(() => undefined);
  };
  return { on, still: on && still, toggle, possible: document.fullscreenEnabled === true };
}
