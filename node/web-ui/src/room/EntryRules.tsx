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
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('entryRules.text')}
      </Text>
      <Switch
        label={t('entryRules.lock')}
        description={t('entryRules.lockHint')}
        checked={room.locked}
        onChange={() => meeting.moderate(room.locked ? 'unlock' : 'lock')}
      />
      <PinRule />
      <WaitingRule now={room.waiting_room} />
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

/** Those whom the conference itself makes moderators see the PIN; others set another one. */
function PinRule() {
  const { t } = useMeetingText();
  const { t: admin } = useAdminText();
  const { meeting } = useVisit();
  const { room } = useMeeting();
  const asks = useAsks();
  const known = useQuery({ ...queries.conference(room.cid), enabled: asks && room.has_pin });
  const [pin, setPin] = useState('');
  const [wrong, setWrong] = useState(false);
  const now = room.has_pin ? known.data?.settings.pin : null;
  const set = (digits: string) => {
    meeting.setPin(digits);
    setPin('');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWrong(!GOOD.test(pin));
    if (GOOD.test(pin)) set(pin);
  };
  const said = () => {
    if (!room.has_pin) return t('entryRules.noPin');
    return now ? t('entryRules.pinIs', { pin: now }) : t('entryRules.pinSet');
  };
  return (
    <Fieldset legend={admin('conferences.pin')}>
      <form noValidate onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm" role="status">
            {said()} {room.has_pin && t('entryRules.pinPassed')}
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
            {room.has_pin && (
              <Button variant="default" onClick={() => set('')}>
                {t('entryRules.remove')}
              </Button>
            )}
            <Button type="submit">{t(room.has_pin ? 'entryRules.change' : 'entryRules.set')}</Button>
          </Group>
        </Stack>
      </form>
    </Fieldset>
  );
}

function WaitingRule({ now }: { now: RoomFacts['waiting_room'] }) {
  const { t: admin } = useAdminText();
  const { meeting } = useVisit();
  return (
    <Select
      label={admin('conferences.waitingRoom')}
      description={admin(`conferences.waitingHint.${now}`)}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      allowDeselect={false}
      data={WAITING.map((kind) => ({ value: kind, label: admin(`conferences.waiting.${kind}`) }))}
      value={now}
      onChange={(kind) => meeting.setWaitingRoom(kind as RoomFacts['waiting_room'])}
    />
  );
}
