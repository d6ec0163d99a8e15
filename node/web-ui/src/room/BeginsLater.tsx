import { Alert, Button, Text } from '@mantine/core';
import { IconCalendarPlus, IconCalendarTime } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { download } from '../ui/download';
import { useMeetingText } from './context';
import type { Begins } from './useDoor';
import { useLeft } from './useLeft';

const DAY_MS = 86_400_000;

interface Props {
  cid: string;
  guest: boolean;
  begins: Begins;
  /** Whoever looks at it comes in by themselves. */
  armed: boolean;
}

/** When a meeting begins that has not, and how long that is. */
export function BeginsLater({ cid, guest, begins, armed }: Props) {
  const { t } = useMeetingText();
  const { i18n } = useTranslation();
  const start = begins.start === null ? null : Date.parse(begins.start);
  const left = useLeft(start);
  const when = start === null ? null : startText(start, i18n.language);
  return (
    <Alert color="indigo" icon={<IconCalendarTime />} role="status">
      <Text size="sm" fw={600}>
        {when === null ? t('begins.byHand') : t('begins.at', { when })}
        {left !== null && left > 0 && ` (${t('begins.in', { time: leftText(left, i18n.language) })})`}
      </Text>
      {armed && <Text size="sm">{t('begins.armed')}</Text>}
      {start !== null && (
        <Button
          size="xs"
          mt="xs"
          variant="default"
          leftSection={<IconCalendarPlus size={16} aria-hidden />}
          onClick={() => void download(() => calls.calendar(cid, guest), `${cid}.ics`)}
        >
          {t('begins.calendar')}
        </Button>
      )}
    </Alert>
  );
}

/** With the year only if it is another one. */
function startText(start: number, language: string): string {
  const other = new Date(start).getFullYear() !== new Date().getFullYear();
  const format = new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: other ? 'numeric' : undefined,
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });
  return format.format(start);
}

/** The two largest units that count. */
export function leftText(left: number, language: string): string {
  const minutes = Math.max(1, Math.ceil(left / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  const parts: [number, string][] =
    left >= DAY_MS
      ? [
          [days, 'day'],
          [hours, 'hour'],
        ]
      : [
          [hours, 'hour'],
          [minutes % 60, 'minute'],
        ];
  const shown = parts.filter(([number]) => number > 0);
  const unit = ([number, unit]: [number, string]) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(number);
  return shown.map(unit).join(' ');
}
