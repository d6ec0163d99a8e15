import { Spoiler, Text } from '@mantine/core';
import { linked } from '../ui/linked';
import { useMeetingText } from './context';

/** What a conference is about, for whoever is at its door: a few lines, and the rest where one asks for it. */
export function Description({ text }: { text: string }) {
  const { t } = useMeetingText();
  if (!text.trim()) return null;
  return (
    <Spoiler maxHeight={104} showLabel={t('entry.more')} hideLabel={t('entry.less')}>
      <Text size="sm" style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>
        {linked(text)}
      </Text>
    </Spoiler>
  );
}
