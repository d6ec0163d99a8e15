import { Button, Group } from '@mantine/core';
import { IconDoorExit } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { session } from '../api/session';
import { CallAgain, CallOver } from '../calling/CallOver';
import type { OverReason } from '../meeting/state';
import { EmptyState } from '../ui/States';
import { textOf } from '../ui/text';
import { AsGuest } from './AsGuest';
import { useMeeting, useMeetingText } from './context';
import { EntryFrame } from './EntryFrame';
import { useCallOf } from './useCallOf';

/** Where coming back makes no sense. */
const FINAL: OverReason[] = ['room-deleted', 'removed', 'not-admitted', 'not-found'];

/** Where the server says more than this page could. */
const TOLD: OverReason[] = ['forbidden', 'unreachable'];

/** The meeting is over for this page: why, and what one can do. */
export function Over({ again }: { again: () => void }) {
  const { t } = useMeetingText();
  const { over, detail, facts, room } = useMeeting();
  const reason = over ?? 'left';
  const home = session.token() !== null;
  // Whoever has no account was never signed in: their token has ended.
  const ended = reason === 'signed-out' && !home ? 'guest-ended' : reason;
  // A newer server may know of more.
  const full = facts?.full && facts.full !== 'other' ? `full-${facts.full}` : 'full';
  const told = ended === 'full' ? full : ended;
  const call = useCallOf();
  const minutes = reason === 'too-many-pins' ? facts?.minutes : null;
  const text = () => {
    if (minutes) return t('over.tooManyPins', { count: minutes });
    return TOLD.includes(reason) && detail ? detail : textOf(`meeting:over.${told}.text`, detail);
  };
  return (
    <EntryFrame>
      <EmptyState
        order={1}
        icon={<IconDoorExit />}
        title={
          call
            ? t('call.over', { name: call.with.display_name })
            : textOf(`meeting:over.${told}.title`, t('over.other'), { room: room.name })
        }
        text={call ? <CallOver cid={room.cid} otherwise={t('call.overText')} /> : text()}
        action={
          <Group gap="sm" justify="center">
            {call && <CallAgain cid={room.cid} />}
            {TOLD.includes(reason) && <AsGuest cid={room.cid} />}
            {!call && !FINAL.includes(reason) && <Button onClick={again}>{t('over.again')}</Button>}
            <Button component={Link} to={home ? '/home' : '/'} variant="default">
              {t(home ? 'door.home' : 'over.front')}
            </Button>
          </Group>
        }
      />
    </EntryFrame>
  );
}
