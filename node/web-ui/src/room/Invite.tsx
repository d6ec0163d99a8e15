import { Button, CopyButton, Divider, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { groupedCid } from '../ui/cid';
import { serverOf } from '../ui/foreign';
import { QrCode } from '../ui/QrCode';
import { useRoomAddress } from '../ui/useRoomAddress';
import { CallPeople } from './CallPeople';
import { useMeeting, useMeetingText } from './context';
import { useMyself } from './useMyself';
import { Widen } from './Widen';

/** The address of the room, to send or to scan. */
export function Invite({ done }: { done: () => void }) {
  const { t } = useMeetingText();
  const { room } = useMeeting();
  const { moderates, mine } = useMyself();
  const address = useRoomAddress(room.cid);
  if (room.call) return <Widen />;
  const calls = moderates && room.open && mine?.user && serverOf(room.cid) === null;
  return (
    <Stack gap="md">
      {calls && (
        <>
          <CallPeople done={done} />
          <Divider />
        </>
      )}
      <Text size="sm">{t('invite.text')}</Text>
      <div>
        <Text size="sm" c="dimmed">
          {t('invite.id')}
        </Text>
        <Text fw={600} size="lg">
          {groupedCid(room.cid)}
        </Text>
      </div>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <TextInput
          label={t('invite.address')}
          value={address}
          readOnly
          style={{ flex: 1 }}
          onFocus={(event) => event.currentTarget.select()}
        />
        <CopyButton value={address} timeout={2_000}>
          {({ copied, copy }) => (
            <Button
              variant={copied ? 'light' : 'filled'}
              leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
              onClick={copy}
            >
              {t(copied ? 'invite.copied' : 'invite.copy')}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Group justify="center">
        <QrCode text={address} label={t('invite.qr')} />
      </Group>
    </Stack>
  );
}
