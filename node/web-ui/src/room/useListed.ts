import { useDebouncedValue } from '@mantine/hooks';
import { useEffect } from 'react';
import type { Listed } from '../meeting/messages';
import { useMeeting, useVisit } from './context';

/** People on a page, as the node gives them. */
export const LISTED = 50;
/** While somebody writes a name. */
const WRITING_MS = 250;
/** A page is asked for again, as people come and go. */
const AGAIN_MS = 5_000;

/** The page of the list of people that begins there; of before while another one is on its way, null until there is one. */
export function useListed(find: string, from: number): Listed | null {
  const { meeting } = useVisit();
  const { listed, phase } = useMeeting();
  const [asked] = useDebouncedValue(find, WRITING_MS);
  useEffect(() => {
    if (phase !== 'in') return;
    const ask = () => meeting.list(asked, from);
    ask();
    const timer = setInterval(ask, AGAIN_MS);
    return () => clearInterval(timer);
  }, [meeting, phase, asked, from]);
  return listed;
}
