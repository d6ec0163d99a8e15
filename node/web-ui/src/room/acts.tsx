import { Menu } from '@mantine/core';
import {
  IconCrown,
  IconDoorExit,
  IconHandOff,
  IconHourglass,
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
import type { Participant, RoomFacts } from '../meeting/messages';
import type { useMeetingText } from './context';
import type { DeskAct } from './desk';

export interface Item {
  act: DeskAct;
  label: string;
  icon: ReactNode;
  danger?: boolean;
}

/** What has to be known of somebody to say what can be done about them. */
export interface Subject extends Pick<Participant, 'role' | 'muted' | 'camera' | 'content' | 'pinned'> {
  raised: boolean;
  podium: boolean;
  /** No answer to an invitation yet. */
  asked: boolean;
  /** Programs cannot answer. */
  answers: boolean;
  /** The moderator themselves. */
  own: boolean;
  /** Nobody lectures beside them. */
  alone: boolean;
  /** May be heard without the podium. */
  remark: boolean;
}

/** What a moderator can do to one person, as things are. */
export function actsOf(
  t: ReturnType<typeof useMeetingText>['t'],
  mode: RoomFacts['mode'],
  of: Subject,
): Item[][] {
  const lecture = mode === 'lecture';
  const heardByLeave = mode === 'role_based' || lecture;
  const owner = of.role === 'owner';
  const groups: (Item | false)[][] = [
    podiumActs(t, mode, of),
    [
      heardByLeave &&
        !of.podium &&
        !of.remark && {
          act: 'give_remark',
          label: t('act.giveRemark'),
          icon: <IconSpeakerphone size={18} />,
        },
      heardByLeave &&
        of.remark && {
          act: 'take_remark',
          label: t('act.takeRemark'),
          icon: <IconSpeakerphone size={18} />,
        },
      of.raised && { act: 'lower_hand', label: t('act.lowerHand'), icon: <IconHandOff size={18} /> },
    ],
    [
      !of.muted && { act: 'mute', label: t('act.mute'), icon: <IconMicrophoneOff size={18} /> },
      of.muted &&
        of.answers && {
          act: 'ask_to_unmute',
          label: t('act.askToUnmute'),
          icon: <IconMicrophone size={18} />,
        },
      of.camera && { act: 'stop_camera', label: t('act.stopCamera'), icon: <IconVideoOff size={18} /> },
      of.content && {
        act: 'stop_content',
        label: t('act.stopContent'),
        icon: <IconScreenShareOff size={18} />,
      },
    ],
    [
      of.role === 'participant' && {
        act: 'make_moderator',
        label: t('act.makeModerator'),
        icon: <IconCrown size={18} />,
      },
      of.role === 'moderator' && {
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
  const shown = groups.map((group) => group.filter((item) => item !== false));
  // The podium and who may speak are one group.
  const [podium, voice, ...others] = shown;
  return [[...podium!, ...voice!], ...others].filter((group) => group.length > 0);
}

function podiumActs(
  t: ReturnType<typeof useMeetingText>['t'],
  mode: RoomFacts['mode'],
  of: Subject,
): (Item | false)[] {
  if (mode === 'all_on_screen') return [];
  const lecture = mode === 'lecture';
  // Who asks for a place, cannot answer or is oneself gets it at once; all others are asked.
  const wants = of.raised || !of.answers || of.own;
  const invites = mode !== 'smart' && !of.podium && !wants;
  return [
    !of.podium &&
      !invites && {
        act: 'give_podium',
        label: t(lecture ? 'lecture.give' : 'act.givePodium'),
        icon: <IconStairsUp size={18} />,
      },
    invites &&
      !of.asked && {
        act: 'invite_to_podium',
        label: t(lecture ? 'lecture.invite' : 'act.invitePodium'),
        icon: <IconStairsUp size={18} />,
      },
    lecture &&
      !of.alone && {
        act: 'hand_lecture',
        label: t('lecture.hand'),
        icon: <IconPresentation size={18} />,
      },
    of.asked && { act: 'take_podium', label: t('act.uninvite'), icon: <IconStairsDown size={18} /> },
    of.podium && {
      act: 'take_podium',
      label: t(lecture ? 'lecture.end' : 'act.takePodium'),
      icon: <IconStairsDown size={18} />,
    },
    !lecture && !of.pinned && !invites && { act: 'pin', label: t('act.pin'), icon: <IconPinned size={18} /> },
    !lecture && of.pinned && { act: 'unpin', label: t('act.unpin'), icon: <IconPinnedOff size={18} /> },
  ];
}

/** These in a menu, in their groups. */
export function ActItems({ groups, act }: { groups: Item[][]; act: (act: DeskAct) => void }) {
  return groups.map((group, place) => (
    <Fragment key={group[0]!.act}>
      {place > 0 && <Menu.Divider />}
      {group.map(({ act: what, label, icon, danger }) => (
        <Menu.Item
          key={what}
          c={danger ? 'var(--plenary-bad)' : undefined}
          leftSection={icon}
          onClick={() => act(what)}
        >
          {label}
        </Menu.Item>
      ))}
    </Fragment>
  ));
}
