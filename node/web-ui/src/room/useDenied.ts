import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { useMeeting } from './context';

/** Why something that a moderator wanted was not done. */
export function useDenied() {
  const { denied } = useMeeting();
  useEffect(() => {
    if (denied.count === 0) return;
    notifications.show({ message: denied.detail, color: 'red', autoClose: 8_000, withBorder: true });
  }, [denied]);
}
