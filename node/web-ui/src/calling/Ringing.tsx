import { Button, Group, Paper, Text } from '@mantine/core';
import { IconPhone, IconPhoneOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Call } from '../api/types';
import { Face } from '../ui/Face';
import { tellProblem } from '../ui/notify';
import { ring } from './ring';
import classes from './Ringing.module.css';

/** Says on every page that somebody calls. It does not take the focus: whoever types must not answer by that. */
export function Ringing({ except }: Props) {
  const { data } = useQuery(queries.calls());
  const ringing = (data ?? []).filter(
    (call) => call.direction === 'incoming' && call.state === 'ringing' && roomOf(call) !== except,
  );
  if (ringing.length === 0) return null;
  return (
    <div className={classes.stack}>
      {ringing.slice(0, SHOWN).map((call, place) => (
        <Rings key={call.cid} call={call} silent={place > 0} />
      ))}
    </div>
  );
}

interface Props {
  /** The room whose door is open on this page: it is answered there. */
  except?: string;
}

const SHOWN = 3;

/** Where one goes to answer. */
const roomOf = (call: Call) => call.enter;

/** Several ring with one voice. */
function Rings({ call, silent }: { call: Call; silent: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [done, setDone] = useState(false);
  const text = useRingText(call);
  useEffect(() => (done || silent ? undefined : ring('incoming')), [done, silent]);
  useEffect(() => notify(text), [text]);
  if (done) return null;
  const accept = () => {
    setDone(true);
    void navigate({ to: '/m/$cid', params: { cid: roomOf(call) }, search: { now: true } });
  };
  const decline = () => {
    setDone(true);
    calls.declineCall(call.cid).catch(tellProblem);
  };
  return (
    <Paper withBorder shadow="lg" radius="md" p="md" role="alert" className={classes.card}>
      <Group justify="space-between" gap="md">
        <Group gap="sm" wrap="nowrap" miw={0}>
          <div className={classes.face}>
            <Face name={call.with.display_name} size={44} />
          </div>
          <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
            {text}
          </Text>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <Button variant="default" leftSection={<IconPhoneOff size={18} aria-hidden />} onClick={decline}>
            {t('call.decline')}
          </Button>
          <Button color="teal.9" leftSection={<IconPhone size={18} aria-hidden />} onClick={accept}>
            {t(call.into ? 'call.comeIn' : 'call.answer')}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}

/** Who calls, and into what. */
function useRingText(call: Call): string {
  const { t } = useTranslation();
  const name = call.with.display_name;
  if (call.group) return t('call.ringsGroup', { name, group: call.group });
  if (!call.into) return t('call.rings', { name });
  const room = call.into.name;
  return call.into.scheduled ? t('call.begins', { room }) : t('call.ringsInto', { name, room });
}

/** Where the page is not looked at and the person has allowed it. */
function notify(text: string): (() => void) | undefined {
  if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
  const shown = new Notification(text, { tag: 'plenary-call', requireInteraction: true });
  shown.onclick = () => window.focus();
  return () => shown.close();
}
