import { Button, Group, NumberInput, Stack, Text } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { Desk } from './desk';

const MINUTES = [15, 30, 60];
/** What the server takes at once: a day. */
const MOST = 1_440;

/** The planned end of the meeting that one is in comes later. */
export function Extend({ done }: { done: () => void }) {
  const { meeting } = useVisit();
  const { room } = useMeeting();
  return <ExtendBy endsAt={room.ends_at ?? null} desk={meeting} done={done} />;
}

interface Props {
  /** When it ends as things are; null: not known. */
  endsAt: number | null;
  desk: Desk;
  done: () => void;
}

/** The same, from wherever one moderates. */
export function ExtendBy({ endsAt, desk, done }: Props) {
  const { t } = useMeetingText();
  const { i18n } = useTranslation();
  const [other, setOther] = useState<number | string>('');
  const minutes = typeof other === 'number' && other >= 1 && other <= MOST ? other : null;
  const extend = (by: number) => {
    desk.moderate('extend', null, by);
    done();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (minutes !== null) extend(minutes);
  };
  return (
    <Stack gap="md">
      {endsAt !== null && <Text size="sm">{t('extend.ends', { at: timeOf(endsAt, i18n.language) })}</Text>}
      <Group gap="xs" role="group" aria-label={t('extend.by')}>
        {MINUTES.map((by) => (
          <Button key={by} variant="default" onClick={() => extend(by)}>
            {t('extend.minutes', { count: by })}
          </Button>
        ))}
      </Group>
      <form noValidate onSubmit={submit}>
        <Group gap="xs" align="flex-end" wrap="nowrap">
          <NumberInput
            label={t('extend.other')}
            min={1}
            max={MOST}
            allowDecimal={false}
            allowNegative={false}
            value={other}
            onChange={setOther}
            style={{ flex: 1 }}
          />
          <Button type="submit" disabled={minutes === null}>
            {t('extend.action')}
          </Button>
        </Group>
      </form>
    </Stack>
  );
}

const timeOf = (at: number, language: string) =>
  new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(at);
