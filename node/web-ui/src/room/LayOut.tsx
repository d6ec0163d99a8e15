import {
  ActionIcon,
  Alert,
  Button,
  Group,
  NumberInput,
  Radio,
  Select,
  Stack,
  Switch,
  Text,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { views } from '../meeting/choices';
import type { Layout, SlotRule } from '../meeting/messages';
import { inOrderOfComing, onStage } from '../meeting/state';
import { useChoices, useMeeting, useMeetingText, useVisit } from './context';
import { KeptLayouts } from './KeptLayouts';

const MOST_SLOTS = 25;
const SHUFFLE = { least: 5, most: 3_600, usual: 30 };

/** A place as a choice of a list: what it holds, or the participant. */
const choiceOf = (slot: SlotRule) => (slot.kind === 'person' ? `id:${slot.participant}` : slot.kind);
const slotOf = (choice: string): SlotRule =>
  choice.startsWith('id:')
    ? { kind: 'person', participant: choice.slice('id:'.length) }
    : { kind: choice as 'automatic' | 'speaker' | 'content' };

/** A moderator says who is where and how it changes: for everybody, or for one alone. */
export function LayOut({ about, close }: { about: string | null; close: () => void }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room, participants } = useMeeting();
  const { view } = useChoices();
  const [draft, setDraft] = useState<Layout>(
    () => room.layout ?? { arrangement: view, pinned: null, locked: false },
  );
  const [seconds, setSeconds] = useState(draft.shuffle_s ?? SHUFFLE.usual);
  const change = (more: Partial<Layout>) => setDraft({ ...draft, ...more });
  const good = seconds >= SHUFFLE.least && seconds <= SHUFFLE.most;
  const shuffles = draft.shuffle_s != null;
  const there = about === null ? room.layout !== null : participants.get(about)?.own_layout === true;
  const send = () => {
    // Who is pinned has the first place where places are set.
    const pinned = draft.slots?.length ? null : draft.pinned;
    meeting.layOut({ ...draft, pinned, shuffle_s: shuffles ? seconds : undefined, kept: undefined }, about);
    close();
  };
  return (
    <Stack gap="md">
      <Text size="sm">{t(about === null ? 'layOut.text' : 'layOut.textOf')}</Text>
      <Radio.Group
        label={t('layOut.arrangement')}
        value={draft.arrangement}
        onChange={(next) => change({ arrangement: next as Layout['arrangement'] })}
      >
        <Group mt={6}>
          {views.map((one) => (
            <Radio key={one} value={one} label={t(`layout.${one}`)} />
          ))}
        </Group>
      </Radio.Group>
      <Slots
        slots={draft.slots ?? []}
        large={draft.arrangement !== 'gallery'}
        change={(slots) => change({ slots })}
      />
      <Stack gap={6}>
        <Switch
          label={t('layOut.shuffle')}
          description={t('layOut.shuffleHint')}
          checked={shuffles}
          onChange={(event) => change({ shuffle_s: event.currentTarget.checked ? seconds : undefined })}
        />
        {shuffles && (
          <NumberInput
            label={t('layOut.seconds')}
            maw={200}
            min={SHUFFLE.least}
            max={SHUFFLE.most}
            allowDecimal={false}
            value={seconds}
            error={!good && t('layOut.secondsWrong')}
            onChange={(next) => setSeconds(Number(next))}
          />
        )}
      </Stack>
      <Switch
        label={t('layOut.names')}
        checked={!draft.names_hidden}
        onChange={(event) => change({ names_hidden: !event.currentTarget.checked })}
      />
      <Switch
        label={t(about === null ? 'layOut.lock' : 'layOut.lockOf')}
        checked={draft.locked}
        onChange={(event) => change({ locked: event.currentTarget.checked })}
      />
      {about === null && (
        <KeptLayouts layout={{ ...draft, shuffle_s: shuffles && good ? seconds : undefined }} />
      )}
      <Group justify="flex-end" gap="xs">
        {there && (
          <Button
            variant="default"
            onClick={() => {
              meeting.moderate(about === null ? 'clear_layout' : 'clear_layout_of', about);
              close();
            }}
          >
            {t(about === null ? 'layout.free' : 'layOut.takeBack')}
          </Button>
        )}
        <Button onClick={send} disabled={shuffles && !good}>
          {t(about === null ? 'layOut.show' : 'layOut.showOne')}
        </Button>
      </Group>
    </Stack>
  );
}

interface SlotsProps {
  slots: readonly SlotRule[];
  /** The first one is. */
  large: boolean;
  change: (slots: SlotRule[]) => void;
}

function Slots({ slots, large, change }: SlotsProps) {
  const { t } = useMeetingText();
  const { participants, room, me } = useMeeting();
  const people = inOrderOfComing(onStage({ participants, room, me }));
  const named = new Set(slots.map((slot) => (slot.kind === 'person' ? slot.participant : '')));
  const label = (at: number) =>
    large && at === 0 ? t('layOut.largePlace') : t('layOut.place', { place: at + 1 });
  const choicesFor = (slot: SlotRule) => {
    const own = slot.kind === 'person' ? slot.participant : '';
    const free = people.filter((one) => one.id === own || !named.has(one.id));
    const gone =
      own && !people.some((one) => one.id === own) ? [{ value: `id:${own}`, label: t('layOut.gone') }] : [];
    return [
      { value: 'automatic', label: t('layOut.automatic') },
      { value: 'speaker', label: t('layOut.speaker') },
      { value: 'content', label: t('layOut.content') },
      ...gone,
      ...free.map((one) => ({ value: `id:${one.id}`, label: one.name })),
    ];
  };
  return (
    <Stack gap="xs" role="group" aria-label={t('layOut.places')}>
      <Text size="sm" fw={500}>
        {t('layOut.places')}
      </Text>
      {slots.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('layOut.noPlaces')}
        </Text>
      )}
      {slots.map((slot, at) => (
        <Group key={at} gap="xs" wrap="nowrap" align="flex-end">
          <Select
            label={label(at)}
            style={{ flex: 1 }}
            allowDeselect={false}
            searchable={people.length > 10}
            data={choicesFor(slot)}
            value={choiceOf(slot)}
            onChange={(next) =>
              next && change(slots.map((one, place) => (place === at ? slotOf(next) : one)))
            }
          />
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t('layOut.remove', { place: label(at) })}
            onClick={() => change(slots.filter((_, place) => place !== at))}
          >
            <IconTrash size={18} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      {slots.length < MOST_SLOTS ? (
        <Button
          variant="default"
          size="compact-sm"
          style={{ alignSelf: 'flex-start' }}
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => change([...slots, { kind: 'automatic' }])}
        >
          {t('layOut.add')}
        </Button>
      ) : (
        <Alert>{t('layOut.most')}</Alert>
      )}
    </Stack>
  );
}
