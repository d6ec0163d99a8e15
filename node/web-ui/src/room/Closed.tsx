import { Button, Container, Group } from '@mantine/core';
import { IconDoor, IconLogin2, IconLock, IconWorldOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { EmptyState, ErrorState } from '../ui/States';
import { serverOf } from '../ui/foreign';
import { AsGuest } from './AsGuest';
import { useMeetingText } from './context';
import { EntryFrame } from './EntryFrame';
import type { Door } from './useDoor';

/** The door does not open: why, and what to do. */
export function Closed({ cid, door }: { cid: string; door: Door }) {
  const { t } = useMeetingText();
  const server = serverOf(cid);
  return (
    <EntryFrame>
      <Container size="sm" py={48}>
        {door.state === 'failed' && <ErrorState error={door.error} retry={door.retry} />}
        {door.state === 'stranger' && (
          <EmptyState
            order={1}
            icon={<IconLock />}
            title={t('door.strangerTitle')}
            text={server === null ? t('door.stranger', { cid }) : t('door.strangerElsewhere', { server })}
            action={
              <Group gap="sm" justify="center">
                <Button
                  leftSection={<IconLogin2 size={18} aria-hidden />}
                  renderRoot={(props) => <Link to="/" search={{ next: `/m/${cid}` }} {...props} />}
                >
                  {t('common:front.signInAction')}
                </Button>
                <AsGuest cid={cid} />
              </Group>
            }
          />
        )}
        {door.state === 'elsewhere' && (
          <EmptyState
            order={1}
            icon={<IconWorldOff />}
            title={t('over.zone-guests.title')}
            text={t('door.elsewhere', { room: door.room })}
            action={
              <Button
                leftSection={<IconLogin2 size={18} aria-hidden />}
                renderRoot={(props) => <Link to="/" search={{ next: `/m/${cid}` }} {...props} />}
              >
                {t('common:front.signInAction')}
              </Button>
            }
          />
        )}
        {door.state === 'missing' && (
          <EmptyState
            order={1}
            icon={<IconDoor />}
            title={t('door.missingTitle')}
            text={t('door.missing', { cid })}
            action={
              <Group>
                <Button component={Link} to="/home">
                  {t('door.home')}
                </Button>
              </Group>
            }
          />
        )}
      </Container>
    </EntryFrame>
  );
}
