import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconDeviceFloppy, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { calls } from '../api/calls';
import { session } from '../api/session';
import { stored, withKept, withoutKept, type AccountOf, type Stored } from '../meeting/keptLayouts';
import type { Layout } from '../meeting/messages';
import { tell, tellProblem } from '../ui/notify';
import { useMeeting, useMeetingText } from './context';
import { useMyself } from './useMyself';

const MOST = 20;

/** Moderators with an account keep layouts with the conference, for this meeting and the next ones. */
export function KeptLayouts({ layout }: { layout: Layout }) {
  const { t } = useMeetingText();
  const { room, participants } = useMeeting();
  const { mine, moderates } = useMyself();
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const all = room.layouts ?? [];
  if (!moderates || !mine?.user || room.call || session.token() === null) return null;
  const accountOf: AccountOf = (id) => participants.get(id)?.user ?? null;
  const put = async (change: (kept: Stored[]) => Stored[], done: string) => {
    setBusy(true);
    try {
      // The meeting is not told who is in them.
      const { settings } = await calls.conference(room.cid);
      await calls.updateConference(room.cid, { settings: { layouts: change(settings.layouts) } });
      tell(done);
      setName('');
    } catch (error) {
      tellProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const hasGuests = (layout.slots ?? []).some(
    (slot) => slot.kind === 'person' && accountOf(slot.participant) === null,
  );
  return (
    <Stack gap="xs" role="group" aria-label={t('kept.title')}>
      <Text size="sm" fw={500}>
        {t('kept.title')}
      </Text>
      {all.length > 0 && (
        <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('kept.title')}>
          {all.map((kept) => (
            <Group key={kept.name} component="li" justify="space-between" wrap="nowrap">
              <Text size="sm" truncate>
                {kept.name}
              </Text>
              <ActionIcon
                variant="subtle"
                color="gray"
                size={36}
                disabled={busy}
                aria-label={t('kept.delete', { name: kept.name })}
                onClick={() =>
                  void put((all) => withoutKept(all, kept.name), t('kept.deleted', { name: kept.name }))
                }
              >
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Group>
          ))}
        </Stack>
      )}
      <Group gap="xs" wrap="nowrap" align="flex-end">
        <TextInput
          flex={1}
          label={t('kept.name')}
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          variant="default"
          loading={busy}
          disabled={!name.trim() || all.length >= MOST}
          leftSection={<IconDeviceFloppy size={16} aria-hidden />}
          onClick={() =>
            void put(
              (all) => withKept(all, stored(name, layout, accountOf)),
              t('kept.saved', { name: name.trim() }),
            )
          }
        >
          {t('kept.keep')}
        </Button>
      </Group>
      {hasGuests && (
        <Text size="xs" c="dimmed">
          {t('kept.guests')}
        </Text>
      )}
    </Stack>
  );
}
