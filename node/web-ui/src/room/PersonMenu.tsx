import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconLayoutGrid, IconLockOpen } from '@tabler/icons-react';
import type { Participant } from '../meeting/messages';
import { ActItems, actsOf } from './acts';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import { useInvitation } from './useInvitation';

/** What a moderator can do to one person, as things are. */
export function PersonMenu({ person, controls }: { person: Participant; controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room, me, participants } = useMeeting();
  const podium = person.podium !== null;
  const asked = useInvitation(person.id) === 'asked';
  const shown = actsOf(t, room.mode, {
    ...person,
    raised: person.hand !== null,
    podium,
    asked,
    answers: person.via === 'browser',
    own: person.id === me,
    alone: podium && ![...participants.values()].some((one) => one.podium !== null && one.id !== person.id),
  });
  if (shown.length === 0 && person.via !== 'browser') return null;
  const label = t('act.of', { name: person.name });
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="bottom-end"
      shadow="md"
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={label}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <ActItems groups={shown} act={(act) => meeting.moderate(act, person.id)} />
        {person.via === 'browser' && (
          <>
            {shown.length > 0 && <Menu.Divider />}
            <Menu.Item
              leftSection={<IconLayoutGrid size={18} />}
              onClick={() => controls.open('layOut', person.id)}
            >
              {t('layOut.openOf')}
            </Menu.Item>
            {person.own_layout && (
              <Menu.Item
                leftSection={<IconLockOpen size={18} />}
                onClick={() => meeting.moderate('clear_layout_of', person.id)}
              >
                {t('layOut.takeBack')}
              </Menu.Item>
            )}
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
