import { useEffect, useState } from 'react';

const LOOK_MS = 15_000;

/** How long it is until then, in milliseconds; looked at now and then. */
export function useLeft(at: number | null): number | null {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (at === null) return;
    const look = () => setNow(Date.now());
    const first = setTimeout(look);
    const timer = setInterval(look, LOOK_MS);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [at]);
  return at === null ? null : at - now;
}
