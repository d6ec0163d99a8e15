import { useEffect, useRef } from 'react';
import { meterOf } from '../meeting/level';
import classes from './PreJoin.module.css';

const PARTS = 14;

/** How loud the microphone is. Moves by hand, sixteen times a second: too often for a new rendering each. */
export function LevelBar({ track, label }: { track: MediaStreamTrack | null; label: string }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const meter = track && meterOf(track);
    if (!meter) return;
    let smooth = 0;
    const timer = setInterval(() => {
      const element = bar.current;
      if (!element) return;
      smooth = Math.max(meter.level(), smooth * 0.8);
      const lit = Math.round(smooth * PARTS);
      element.setAttribute('aria-valuenow', String(Math.round(smooth * 100)));
      [...element.children].forEach((part, place) => part.toggleAttribute('data-lit', place < lit));
    }, 60);
    return () => {
      clearInterval(timer);
      meter.close();
    };
  }, [track]);
  return (
    <div
      ref={bar}
      className={classes.level}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    >
      {Array.from({ length: PARTS }, (_, place) => (
        <i key={place} />
      ))}
    </div>
  );
}
