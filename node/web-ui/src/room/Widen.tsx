import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconUsersPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { calls } from '../api/calls';
import { problemText } from '../ui/text';
import { serverOf } from '../ui/foreign';
import { useMeeting, useMeetingText } from './context';
import { useCallOf } from './useCallOf';

/** A call has no address for others before it is a meeting. */
export function Widen() {
  const { t } = useMeetingText();
  const { room } = useMeeting();
  const call = useCallOf();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const widen = async () => {
    setBusy(true);
    setFailed(null);
    try {
      await calls.widenCall(room.cid);
    } catch (error) {
      setFailed(error);
    }
    setBusy(false);
  };
  // It is who called whose server has the meeting.
  if (serverOf(room.cid) !== null) {
    return <Text size="sm">{t('call.widenThere', { name: call?.with.display_name ?? room.name })}</Text>;
  }
  return (
    <Stack gap="md">
      <Text size="sm">{t('call.widenText')}</Text>
      {failed !== null && (
        <Alert color="red" icon={<IconAlertTriangle />} role="alert">
          {problemText(failed)}
        </Alert>
      )}
      <Button
        leftSection={<IconUsersPlus size={18} aria-hidden />}
        loading={busy}
        onClick={() => void widen()}
        style={{ alignSelf: 'flex-start' }}
      >
        {t('call.widenAction')}
      </Button>
    </Stack>
  );
}
