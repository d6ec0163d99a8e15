import { Button } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { serverOf } from '../ui/foreign';
import { useRoomAddress } from '../ui/useRoomAddress';
import { useMeetingText } from './context';

/** The way into a conference of another server without one's account. */
export function AsGuest({ cid }: { cid: string }) {
  const { t } = useMeetingText();
  const address = useRoomAddress(cid);
  if (serverOf(cid) === null) return null;
  return (
    <Button
      component="a"
      href={address}
      variant="default"
      rightSection={<IconExternalLink size={16} aria-hidden />}
    >
      {t('over.asGuest')}
    </Button>
  );
}
