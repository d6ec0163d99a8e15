import { useEffect, useMemo, useState } from 'react';
import type { ChatLine } from '../meeting/messages';
import { found } from '../meeting/search';
import { useMeeting, useVisit } from './context';

export interface ChatSearching {
  text: string;
  seek: (text: string) => void;
  /** In the order of the chat. */
  hits: readonly ChatLine[];
  /** Which of them is looked at; -1: there is none. */
  place: number;
  go: (step: number) => void;
  /** Earlier lines are asked for. */
  asks: boolean;
}

/** A search in the chat: from the newest message that has it to the earlier ones, also those that are not here yet. */
export function useChatSearch(on: boolean): ChatSearching {
  const { meeting } = useVisit();
  const { chat, earlier } = useMeeting();
  const [text, setText] = useState('');
  // By its number, so that new messages move nothing.
  const [at, setAt] = useState<string | null>(null);
  const sought = on ? text : '';
  const hits = useMemo(() => found(chat, sought), [chat, sought]);
  const known = hits.findIndex(({ id }) => id === at);
  const place = known < 0 ? hits.length - 1 : known;
  const asks = sought.trim() !== '' && earlier;
  const first = chat[0]?.id;
  useEffect(() => {
    // Each answer has the first line changed, until there are no earlier ones.
    if (asks && first) meeting.askEarlier();
  }, [asks, first, meeting]);
  return {
    text,
    hits,
    place,
    asks,
    seek(next) {
      setText(next);
      setAt(null);
    },
    go(step) {
      const next = hits[place + step];
      if (next) setAt(next.id);
    },
  };
}
