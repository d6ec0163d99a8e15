import { ActionIcon, Menu } from '@mantine/core';
import {
  IconCrown,
  IconDots,
  IconDoorExit,
  IconHandOff,
  IconHourglass,
  IconLayoutGrid,
  IconLockOpen,
  IconMicrophone,
  IconMicrophoneOff,
  IconPinned,
  IconPinnedOff,
  IconPresentation,
  IconScreenShareOff,
  IconSpeakerphone,
  IconStairsDown,
  IconStairsUp,
  IconUserX,
  IconVideoOff,
} from '@tabler/icons-react';
import { Fragment, type ReactNode } from 'react';
import type { Act, Participant } from '../meeting/messages';
import { hasPodium } from '../meeting/state';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import { useInvitation } from './useInvitation';

interface Item {
  act: Act;
  label: string;
  icon: ReactNode;
  danger?: boolean;
}

/** What a moderator can do to one person, as things are. */
export function PersonMenu({ person, controls }: { person: Participant; controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room, me, participants } = useMeeting();
  const podium = hasPodium(room);
  const lecture = room.mode === 'lecture';
  const heardByLeave = room.mode === 'role_based' || room.mode === 'lecture';
  const owner = person.role === 'owner';
  const up = person.podium !== null;
  const asked = useInvitation(person.id) === 'asked';
  // Who asks for a place, cannot answer or is oneself gets it at once; all others are asked.
  const wants = person.hand !== null || person.via !== 'browser' || person.id === me;
  const invites = heardByLeave && !up && !wants;
  const lecturesAlone =
    up && ![...participants.values()].some((one) => one.podium !== null && one.id !== person.id);
  const groups: (Item | false)[][] = [
    [
      podium &&
        !up &&
        !invites && {
          act: 'give_podium',
          label: t(lecture ? 'lecture.give' : 'act.givePodium'),
          icon: <IconStairsUp size={18} />,
        },
      invites &&
        !asked && {
          act: 'invite_to_podium',
          label: t(lecture ? 'lecture.invite' : 'act.invitePodium'),
          icon: <IconStairsUp size={18} />,
        },
      lecture &&
        !lecturesAlone && {
          act: 'hand_lecture',
          label: t('lecture.hand'),
          icon: <IconPresentation size={18} />,
        },
      asked && { act: 'take_podium', label: t('act.uninvite'), icon: <IconStairsDown size={18} /> },
      podium &&
        up && {
          act: 'take_podium',
          label: t(lecture ? 'lecture.end' : 'act.takePodium'),
          icon: <IconStairsDown size={18} />,
        },
      podium &&
        !lecture &&
        !person.pinned &&
        !invites && { act: 'pin', label: t('act.pin'), icon: <IconPinned size={18} /> },
      podium &&
        !lecture &&
        person.pinned && { act: 'unpin', label: t('act.unpin'), icon: <IconPinnedOff size={18} /> },
      heardByLeave &&
        !up &&
        !person.remark && {
          act: 'give_remark',
          label: t('act.giveRemark'),
          icon: <IconSpeakerphone size={18} />,
        },
      heardByLeave &&
        person.remark && {
          act: 'take_remark',
          label: t('act.takeRemark'),
          icon: <IconSpeakerphone size={18} />,
        },
      person.hand !== null && {
        act: 'lower_hand',
        label: t('act.lowerHand'),
        icon: <IconHandOff size={18} />,
      },
    ],
    [
      !person.muted && { act: 'mute', label: t('act.mute'), icon: <IconMicrophoneOff size={18} /> },
      person.muted &&
        person.via === 'browser' && {
          act: 'ask_to_unmute',
          label: t('act.askToUnmute'),
          icon: <IconMicrophone size={18} />,
        },
      person.camera && { act: 'stop_camera', label: t('act.stopCamera'), icon: <IconVideoOff size={18} /> },
      person.content && {
        act: 'stop_content',
        label: t('act.stopContent'),
        icon: <IconScreenShareOff size={18} />,
      },
    ],
    [
      person.role === 'participant' && {
        act: 'make_moderator',
        label: t('act.makeModerator'),
        icon: <IconCrown size={18} />,
      },
      person.role === 'moderator' && {
        act: 'unmake_moderator',
        label: t('act.unmakeModerator'),
        icon: <IconUserX size={18} />,
      },
    ],
    [
      !owner && { act: 'send_back', label: t('act.sendBack'), icon: <IconHourglass size={18} /> },
      !owner && { act: 'remove', label: t('act.remove'), icon: <IconDoorExit size={18} />, danger: true },
    ],
  ];
  const shown = groups.map((group) => group.filter((item) => item !== false)).filter((group) => group.length);
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
        {shown.map((group, place) => (
          <Fragment key={group[0]!.act}>
            {place > 0 && <Menu.Divider />}
            {group.map(({ act, label, icon, danger }) => (
              <Menu.Item
                key={act}
                c={danger ? 'var(--plenary-bad)' : undefined}
                leftSection={icon}
                onClick={() => meeting.moderate(act, person.id)}
              >
                {label}
              </Menu.Item>
            ))}
          </Fragment>
        ))}
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
