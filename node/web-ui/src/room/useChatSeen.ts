import { useState } from 'react';
import { linesSince, mentionsMe } from '../meeting/chat';
import { useMeeting } from './context';

export interface ChatSeen {
  /** Lines of others that came since the chat was open last; what was said before one came does not count. */
  unread: number;
  /** How many of them mention one. */
  mentions: number;
  /** While the chat is open: the line that was the last one when it was opened, if others had written since. */
  divider: { after: string | null } | null;
}

interface Seen {
  me: string | null;
  id: string | null;
  open: boolean;
  divider: ChatSeen['divider'];
}

export function useChatSeen(open: boolean): ChatSeen {
  const { chat, me } = useMeeting();
  const last = chat.at(-1)?.id ?? null;
  const [seen, setSeen] = useState<Seen>({ me: null, id: null, open: false, divider: null });
  const news = me === null || seen.me === null ? [] : linesSince(chat, seen.id, me);
  if (me !== null) {
    if (open !== seen.open) {
      const divider = open && news.length > 0 ? { after: seen.id } : null;
      setSeen({ me, id: open || seen.me === null ? last : seen.id, open, divider });
    } else if ((open || seen.me === null) && (seen.id !== last || seen.me !== me)) {
      setSeen({ ...seen, me, id: last });
    }
  }
  if (open) return { unread: 0, mentions: 0, divider: seen.divider };
  const mentions = news.filter((line) => mentionsMe(line, me)).length;
  return { unread: news.length, mentions, divider: null };
}
