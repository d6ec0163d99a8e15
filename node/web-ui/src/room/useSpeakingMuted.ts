import { useEffect, useState } from 'react';
import { meterOf, SPEAKING } from '../meeting/level';

const SHOWN_MS = 4_000;
const EVERY_MS = 150;
/** Longer than a cough; between syllables it may be quiet. */
const TIMES = 2.5;
const FADE = 0.5;

/** Whether somebody speaks into a microphone that is muted. */
export function useSpeakingMuted(track: MediaStreamTrack | null, muted: boolean): boolean {
  const [speaking, setSpeaking] = useState(false);
  useEffect(() => {
    const meter = muted && track ? meterOf(track) : null;
    if (!meter) return;
    let loud = 0;
    let until = 0;
    const timer = setInterval(() => {
      loud = meter.level() >= SPEAKING ? Math.min(loud + 1, TIMES + 1) : Math.max(0, loud - FADE);
      if (loud >= TIMES) until = Date.now() + SHOWN_MS;
      setSpeaking(Date.now() < until);
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      meter.close();
      setSpeaking(false);
    };
  }, [track, muted]);
  return speaking;
}
