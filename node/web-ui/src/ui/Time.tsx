import { Text, Tooltip, type TextProps } from '@mantine/core';
import { useEffect, useState } from 'react';
import { exactTime, relativeTime } from './text';

const now = { at: Date.now() };
const listeners = new Set<() => void>();
setInterval(() => {
  now.at = Date.now();
  listeners.forEach((listener) => listener());
}, 20_000);

function useNow(): number {
  const [at, set] = useState(now.at);
  useEffect(() => {
    const listener = () => set(now.at);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return at;
}

/** Relative, with the exact time on hover and for screen readers. */
export function Time({ at, ...props }: { at: string } & TextProps) {
  const ticking = useNow();
  // What has just happened may be later than the last tick.
  const ahead = Date.parse(at) - ticking;
  return (
    <Tooltip label={exactTime(at)}>
      <Text component="time" inherit={!props.size} dateTime={at} aria-label={exactTime(at)} {...props}>
        {relativeTime(at, ahead > 0 && ahead < 60_000 ? Date.parse(at) : ticking)}
      </Text>
    </Tooltip>
  );
}
