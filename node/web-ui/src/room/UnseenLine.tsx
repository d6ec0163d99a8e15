import { Button, Group, Text } from '@mantine/core';
import type { Sending } from '../meeting/state';
import classes from './Chat.module.css';
import { useMeetingText, useVisit } from './context';

/** What one has written and is not among what was said: it is being sent, or was refused. */
export function Unseen({ line }: { line: Sending }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  return (
    <li className={classes.line} data-mine data-sending={line.failed === null || undefined}>
      <div className={classes.text}>{line.text}</div>
      {line.failed === null ? (
        <div className={classes.sending}>{t('chat.sending')}</div>
      ) : (
        <>
          <Text size="xs" c="var(--plenary-bad)">
            {t('chat.notSent', { why: line.failed })}
          </Text>
          <Group gap="xs">
            <Button variant="subtle" size="compact-xs" onClick={() => meeting.writeAgain(line.key)}>
              {t('chat.sendAgain')}
            </Button>
            <Button variant="subtle" size="compact-xs" color="gray" onClick={() => meeting.giveUp(line.key)}>
              {t('chat.giveUp')}
            </Button>
          </Group>
        </>
      )}
    </li>
  );
}
