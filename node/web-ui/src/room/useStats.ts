import { useEffect, useState } from 'react';
import { look, type Counters, type Direction } from '../meeting/stats';
import { useVisit } from './context';

export interface Figures {
  out: Direction;
  in: Direction;
}

const EVERY_MS = 1_000;

/** What both connections carry, looked at each second while somebody looks at it. */
export function useStats(): Figures | null {
  const { meeting } = useVisit();
  const [figures, setFigures] = useState<Figures | null>(null);
  useEffect(() => {
    const counters: { out: Counters; in: Counters } = { out: new Map(), in: new Map() };
    let wanted = true;
    const read = async () => {
      const [sent, received] = await Promise.all([meeting.publish.stats(), meeting.receive.stats()]);
      if (!wanted) return;
      const of = (report: RTCStatsReport | null) => [...(report?.values() ?? [])] as unknown[];
      setFigures({
        out: look(of(sent), 'outbound-rtp', counters.out),
        in: look(of(received), 'inbound-rtp', counters.in),
      });
    };
    void read();
    const timer = setInterval(() => void read(), EVERY_MS);
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, [meeting]);
  return figures;
}
