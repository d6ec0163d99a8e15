import { useEffect, useRef } from 'react';
import { tellWarning } from '../ui/notify';
import { useMeeting, useMeetingText } from './context';
import { useMyself } from './useMyself';

/** Moderators hear that somebody does not come to the podium, wherever they look. */
export function useInvitationNews() {
  const { t } = useMeetingText();
  const { invitations, room } = useMeeting();
  const declined = room.mode === 'lecture' ? 'lecture.hasDeclined' : 'invited.hasDeclined';
  const { moderates } = useMyself();
  const asked = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const before = asked.current;
    asked.current = new Set(
      invitations.filter(({ state }) => state === 'asked').map(({ participant }) => participant),
    );
    if (!moderates) return;
    for (const { participant, name, state } of invitations) {
      if (state === 'asked' || !before.has(participant)) continue;
      tellWarning(t(state === 'declined' ? declined : 'invited.hasMissed', { name }));
    }
  }, [invitations, moderates, declined, t]);
}
