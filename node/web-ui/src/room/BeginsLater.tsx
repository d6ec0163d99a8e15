import { Alert, Button, Text } from '@mantine/core';
import { IconCalendarPlus, IconCalendarTime } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { download } from '../ui/download';
import { leftText, startText } from '../ui/when';
import { useMeetingText } from './context';
import type { Begins } from './useDoor';
import { useLeft } from './useLeft';

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
