import { Button, Group, Modal, Progress, Stack, Text } from '@mantine/core';
import { IconStairsUp } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useLocal, useMeeting, useMeetingText, useVisit } from './context';

/** So long the server waits for an answer. */
const ANSWER_MS = 30_000;
const TICK_MS = 1_000;

/** A moderator asks one onto the podium, where all see and hear one. */
export function PodiumInvitation() {
  const { invitations, me } = useMeeting();
  const own = invitations.find((one) => one.participant === me && one.state === 'asked');
  return own ? <Asked key={own.at} /> : null;
}

function Asked() {
  const { t } = useMeetingText();
  const { meeting, local } = useVisit();
  const { denied, phase, room } = useMeeting();
  const lecture = room.mode === 'lecture';
  const { muted, cameraOn } = useLocal(local);
  const left = useLeftMs();
  // Until it is refused; then it can be tried again.
  const [sent, send] = useState<number | null>(null);
  const waits = sent === denied.count || phase !== 'in';
  if (left <= 0) return null;
  const answer = (accepts: boolean) => {
    send(denied.count);
    meeting.answerInvitation(accepts);
  };
  return (
    <Modal
      opened
      onClose={() => answer(false)}
      closeOnClickOutside={false}
      withCloseButton={false}
      title={t(lecture ? 'lecture.invitedTitle' : 'invited.title')}
      centered
    >
      <Stack gap="md">
        {/* The focus comes here, and not to a button: whoever is typing or holds a key has not answered by that. */}
        <Stack gap="xs" tabIndex={-1} data-autofocus p={6} m={-6} style={{ outlineOffset: -2 }}>
          <Text size="sm">{t(lecture ? 'lecture.invitedText' : 'invited.text')}</Text>
          <Text size="sm" fw={600}>
            {t(
              muted
                ? cameraOn
                  ? 'invited.seen'
                  : 'invited.off'
                : cameraOn
                  ? 'invited.both'
                  : 'invited.heard',
            )}
          </Text>
          <Text size="sm" c="dimmed">
            {t('invited.time')}
          </Text>
        </Stack>
        <Progress value={(left / ANSWER_MS) * 100} size="sm" aria-hidden transitionDuration={TICK_MS} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={waits} onClick={() => answer(false)}>
            {t('common:call.decline')}
          </Button>
          <Button
            leftSection={<IconStairsUp size={18} aria-hidden />}
            loading={waits}
            onClick={() => answer(true)}
          >
            {t(lecture ? 'lecture.take' : 'podium.take')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** From when the page heard of it: the clocks of both may differ. */
function useLeftMs(): number {
  const [began] = useState(() => Date.now());
  const [now, setNow] = useState(began);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return ANSWER_MS - (now - began);
}
