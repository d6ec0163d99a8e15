import { Button, Fieldset, Group, Select, Stack, Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { queries } from '../api/queries';
import { PinInput } from '../conferences/PinInput';
import type { RoomFacts } from '../meeting/messages';
import { groupedCid } from '../ui/cid';
import { useAdminText } from '../ui/text';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import type { Desk } from './desk';
import { useAsks } from './useAsks';
import { useMayRename } from './useMayRename';

const WAITING = ['off', 'all', 'uninvited', 'uninvited_elsewhere', 'guests'] as const;
const GOOD = /^[0-9]{4,16}$/;

/** What moderators change of how people come in while others meet: lock, PIN, waiting room, ID. */
export function EntryRules({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room } = useMeeting();
  const mayRename = useMayRename();
  const asks = useAsks();
  const known = useQuery({ ...queries.conference(room.cid), enabled: asks && room.has_pin });
  return (
    <Stack gap="md">
      <GateRules gate={room} pin={known.data?.settings.pin} desk={meeting} />
      <Group justify="space-between" gap="sm">
        <div>
          <Text size="sm" fw={500}>
            {t('entryRules.id')}
          </Text>
          <Text size="sm">{groupedCid(room.cid)}</Text>
        </div>
        {mayRename && (
          <Button size="xs" variant="default" onClick={() => controls.open('changeId')}>
            {t('changeId.open')}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

interface Props {
  gate: Pick<RoomFacts, 'locked' | 'has_pin' | 'waiting_room'>;
  /** Those whom the conference itself makes moderators see the PIN; others set another one. */
  pin?: string | null;
  desk: Desk;
}

/** Lock, PIN and waiting room, from wherever one moderates. */
export function GateRules({ gate, pin, desk }: Props) {
  const { t } = useMeetingText();
  return (
    <>
      <Text size="sm" c="dimmed">
        {t('entryRules.text')}
      </Text>
      <Switch
        label={t('entryRules.lock')}
        description={t('entryRules.lockHint')}
        checked={gate.locked}
        onChange={() => desk.moderate(gate.locked ? 'unlock' : 'lock')}
      />
      <PinRule has={gate.has_pin} known={pin} desk={desk} />
      <WaitingRule now={gate.waiting_room} desk={desk} />
    </>
  );
}

function PinRule({ has, known, desk }: { has: boolean; known?: string | null; desk: Desk }) {
  const { t } = useMeetingText();
  const { t: admin } = useAdminText();
  const [pin, setPin] = useState('');
  const [wrong, setWrong] = useState(false);
  const now = has ? known : null;
  const set = (digits: string) => {
    desk.setPin(digits);
    setPin('');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWrong(!GOOD.test(pin));
    if (GOOD.test(pin)) set(pin);
  };
  const said = () => {
    if (!has) return t('entryRules.noPin');
    return now ? t('entryRules.pinIs', { pin: now }) : t('entryRules.pinSet');
  };
  return (
    <Fieldset legend={admin('conferences.pin')}>
      <form noValidate onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm" role="status">
            {said()} {has && t('entryRules.pinPassed')}
          </Text>
          <PinInput
            label={t('entryRules.newPin')}
            value={pin}
            error={wrong && admin('conferences.pinWrong')}
            make={(made) => {
              setPin(made);
              setWrong(false);
            }}
            onChange={(event) => {
              setPin(event.currentTarget.value.replace(/[^0-9]/g, ''));
              setWrong(false);
            }}
          />
          <Group gap="xs" justify="flex-end">
            {has && (
              <Button variant="default" onClick={() => set('')}>
                {t('entryRules.remove')}
              </Button>
            )}
            <Button type="submit">{t(has ? 'entryRules.change' : 'entryRules.set')}</Button>
          </Group>
        </Stack>
      </form>
    </Fieldset>
  );
}

function WaitingRule({ now, desk }: { now: RoomFacts['waiting_room']; desk: Desk }) {
  const { t: admin } = useAdminText();
  return (
    <Select
      label={admin('conferences.waitingRoom')}
      description={admin(`conferences.waitingHint.${now}`)}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      allowDeselect={false}
      data={WAITING.map((kind) => ({ value: kind, label: admin(`conferences.waiting.${kind}`) }))}
      value={now}
      onChange={(kind) => desk.setWaitingRoom(kind as RoomFacts['waiting_room'])}
    />
  );
}
