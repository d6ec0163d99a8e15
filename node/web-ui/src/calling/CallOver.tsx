import { useTranslation } from 'react-i18next';
import { Button } from '@mantine/core';
import { IconPhone } from '@tabler/icons-react';
import { CallWords } from './RecentCalls';
import { useCall } from './useCall';
import { useCallNamed } from './useCallNamed';

/** What became of a call that this page was in. */
export function CallOver({ cid, otherwise }: { cid: string; otherwise: string }) {
  const data = useCallNamed(cid);
  return data?.outcome ? <CallWords call={data} /> : <>{otherwise}</>;
}

export function CallAgain({ cid }: { cid: string }) {
  const { t } = useTranslation();
  const data = useCallNamed(cid);
  const { call, busy } = useCall();
  if (!data) return null;
  return (
    <Button
      leftSection={<IconPhone size={18} aria-hidden />}
      loading={busy}
      onClick={() => void call(data.with.id)}
    >
      {t('call.again')}
    </Button>
  );
}
