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
export function Ringing() {
  const { data } = useQuery(queries.calls());
  const call = data?.find(({ direction, state }) => direction === 'incoming' && state === 'ringing');
  return call ? <Rings key={call.cid} call={call} /> : null;
}

function Rings({ call }: { call: Call }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [done, setDone] = useState(false);
  const name = call.with.display_name;
  useEffect(() => (done ? undefined : ring('incoming')), [done]);
  useEffect(() => notify(t('call.rings', { name })), [name, t]);
  if (done) return null;
  const accept = () => {
    setDone(true);
    void navigate({ to: '/m/$cid', params: { cid: call.cid }, search: { now: true } });
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
            <Face name={name} size={44} />
          </div>
          <Text fw={600}>{t('call.rings', { name })}</Text>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <Button variant="default" leftSection={<IconPhoneOff size={18} aria-hidden />} onClick={decline}>
            {t('call.decline')}
          </Button>
          <Button color="teal.9" leftSection={<IconPhone size={18} aria-hidden />} onClick={accept}>
            {t('call.answer')}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}

/** Where the page is not looked at and the person has allowed it. */
function notify(text: string): (() => void) | undefined {
  if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
  const shown = new Notification(text, { tag: 'plenary-call', requireInteraction: true });
  shown.onclick = () => window.focus();
  return () => shown.close();
}
