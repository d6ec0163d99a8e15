import { Button } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { addressOf, serverOf } from '../ui/foreign';
import { useMeetingText } from './context';

/** The way into a conference of another server without one's account. */
export function AsGuest({ cid }: { cid: string }) {
  const { t } = useMeetingText();
  if (serverOf(cid) === null) return null;
  return (
    <Button
      component="a"
      href={addressOf(cid, location.origin)}
      variant="default"
      rightSection={<IconExternalLink size={16} aria-hidden />}
    >
      {t('over.asGuest')}
    </Button>
  );
}
