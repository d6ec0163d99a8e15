import { Button, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconPhoneOff } from '@tabler/icons-react';
import { useMeeting, useMeetingText, useVisit } from './context';
import { EntryFrame } from './EntryFrame';
import { Preview } from './Preview';
import classes from './Waiting.module.css';

/** Until a moderator lets one in: nothing of the meeting is seen or heard, and nothing is sent. */
export function WaitingRoom() {
  const { t } = useMeetingText();
  const { meeting, local } = useVisit();
  const { room } = useMeeting();
  return (
    <EntryFrame>
      <section className={classes.card} aria-labelledby="waiting">
        <Stack gap="md">
          <div>
            <Title order={1} size="h2" id="waiting">
              {t('waiting.title')}
            </Title>
            <Text size="sm" c="dimmed" role="status">
              {t('waiting.text', { room: room.name })}
            </Text>
          </div>
          <div className={classes.preview}>
            <Preview local={local} name={t('entry.you')} />
          </div>
          <Text size="sm" c="dimmed">
            {t('waiting.nobody')}
          </Text>
          <Group justify="space-between">
            <Loader size="sm" type="dots" aria-hidden />
            <Button
              variant="default"
              leftSection={<IconPhoneOff size={18} aria-hidden />}
              onClick={() => meeting.leave()}
            >
              {t('bar.leave')}
            </Button>
          </Group>
        </Stack>
      </section>
    </EntryFrame>
  );
}
