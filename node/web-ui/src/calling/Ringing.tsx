import { Button, Group, Paper, Text } from '@mantine/core';
import { IconPhone, IconPhoneOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Call, Contact, ContactTone } from '../api/types';
import { Face } from '../ui/Face';
import { tellProblem } from '../ui/notify';
import { idOf } from './callText';
import { tellOfCall } from './notices';
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
  const id = idOf(call);
  const tone = useTone(call);
  useEffect(
    () => (done || silent || tone === undefined ? undefined : ring('incoming', tone)),
    [done, silent, tone],
  );
  const room = roomOf(call);
  const accept = useCallback(() => {
    setDone(true);
    void navigate({ to: '/m/$cid', params: { cid: room }, search: { now: true } });
  }, [navigate, room]);
  const decline = useCallback(() => {
    setDone(true);
    calls.declineCall(call.cid).catch(tellProblem);
  }, [call.cid]);
  const answer = t(call.into ? 'call.comeIn' : 'call.answer');
  const no = t('call.decline');
  useEffect(() => {
    if (done) return;
    const act = (what: 'accept' | 'decline' | 'show') => {
      if (what === 'accept') accept();
      else if (what === 'decline') decline();
    };
    return tellOfCall({ cid: call.cid, text, accept: answer, decline: no, act });
  }, [done, call.cid, text, answer, no, accept, decline]);
  if (done) return null;
  return (
    <Paper withBorder shadow="lg" radius="md" p="md" role="alert" className={classes.card}>
      <Group justify="space-between" gap="md">
        <Group gap="sm" wrap="nowrap" miw={0}>
          <div className={classes.face}>
            <Face name={call.with.display_name} size={44} />
          </div>
          <div style={{ minWidth: 0 }}>
            <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
              {text}
            </Text>
            {id && (
              <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {id}
              </Text>
            )}
          </div>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <Button variant="default" leftSection={<IconPhoneOff size={18} aria-hidden />} onClick={decline}>
            {no}
          </Button>
          <Button color="teal.9" leftSection={<IconPhone size={18} aria-hidden />} onClick={accept}>
            {answer}
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

/** How it rings if who calls is a contact; `undefined` until that is known. */
function useTone(call: Call): ContactTone | null | undefined {
  const { data, isPending } = useQuery(queries.contactsLike(call.with.id));
  if (isPending) return undefined;
  const isCaller = ({ user_id, partner_id }: Contact) =>
    (user_id?.replace(/@.*$/, '') ?? partner_id) === call.with.id;
  return data?.items.find(isCaller)?.tone ?? null;
}
