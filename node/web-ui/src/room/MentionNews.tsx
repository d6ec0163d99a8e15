import { VisuallyHidden } from '@mantine/core';
import { useState } from 'react';
import { linesSince, mentionsMe } from '../meeting/chat';
import { useMeeting, useMeetingText } from './context';

/** Says to those who do not see the screen that they are mentioned, wherever they are in the room. */
export function MentionNews() {
  const { t } = useMeetingText();
  const { chat, me } = useMeeting();
  // What was said before one came is no news.
  const [known, setKnown] = useState<{ me: string; id: string | null } | null>(null);
  if (me !== null && known?.me !== me) setKnown({ me, id: chat.at(-1)?.id ?? null });
  const news = known && known.me === me ? linesSince(chat, known.id, me) : [];
  const line = news.filter((one) => mentionsMe(one, me)).at(-1);
  return (
    <VisuallyHidden role="status">
      {line && t('chat.mentionedBy', { name: line.name, text: line.text })}
    </VisuallyHidden>
  );
}
