import { useState } from 'react';
import { useMeeting } from './context';

/** How many lines came since the chat was open last; what was said before one came does not count. */
export function useChatSeen(open: boolean): number {
  const { chat, me } = useMeeting();
  const last = chat.at(-1)?.id ?? null;
  const [seen, setSeen] = useState<{ me: string | null; id: string | null }>({ me: null, id: null });
  if ((open || seen.me === null) && me !== null && (seen.id !== last || seen.me !== me)) {
    setSeen({ me, id: last });
  }
  if (open || me === null) return 0;
  const from = chat.findIndex((line) => line.id === seen.id);
  return chat.slice(from + 1).filter((line) => line.participant !== me).length;
}
