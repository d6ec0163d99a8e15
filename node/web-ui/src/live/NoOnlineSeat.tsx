import { Alert } from '@mantine/core';
import { IconPhoneOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { LiveContext } from './LiveState';

/** A device that has just connected takes its seat within this. */
export const SEATED_MS = 8_000;

/** Says that this device is connected and does not count as online, as all online seats are taken (LIC-03). */
export function NoOnlineSeat() {
  const { t } = useTranslation();
  const live = useContext(LiveContext)!;
  const { state } = useSyncExternalStore(live.subscribe, live.current);
  const { data, refetch } = useQuery(queries.myDevices());
  const open = state === 'open';
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    if (!open) return;
    // Nothing is told when a seat was refused.
    const timer = setTimeout(() => void refetch().then(() => setSettled(true)), SEATED_MS);
    return () => {
      clearTimeout(timer);
      setSettled(false);
    };
  }, [open, refetch]);
  const own = data?.find(({ current }) => current);
  if (!open || !settled || !own || own.online) return null;
  return (
    <Alert color="yellow" icon={<IconPhoneOff />} title={t('live.noSeat')} role="status" mb="md">
      {t('live.noSeatHint')}
    </Alert>
  );
}
