import { Menu, Popover } from '@mantine/core';
import {
  IconDoorOff,
  IconHandStop,
  IconLayoutGrid,
  IconMessage,
  IconMicrophone,
  IconMicrophoneOff,
  IconMoodSmile,
  IconPhoneOff,
  IconScreenShare,
  IconScreenShareOff,
  IconStairsDown,
  IconStairsUp,
  IconUsers,
  IconVideo,
  IconVideoOff,
} from '@tabler/icons-react';
import { useState } from 'react';
import { ControlButton } from './ControlButton';
import { useMeeting, useMeetingText, useVisit } from './context';
import classes from './Controls.module.css';
import { CameraMenu, MicMenu } from './DeviceMenus';
import { LayoutItems } from './LayoutItems';
import { canShare, MoreMenu } from './MoreMenu';
import type { RoomControls } from './controls';
import { reactions } from './reactions';
import { useMyself } from './useMyself';
import { useOwnSwitches } from './useOwnSwitches';

/** In the order of how often and how urgently one needs it. */
export function ControlBar({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { inside, waiting } = useMeeting().counts;
  const own = useOwnSwitches();
  const { may } = useMyself();
  return (
    <div
      className={classes.bar}
      role="toolbar"
      aria-label={t('bar.label')}
      data-hidden={controls.full.still || undefined}
    >
      <div className={classes.group}>
        <div className={classes.pair}>
          <ControlButton
            label={may.audio ? t(own.muted ? 'bar.unmute' : 'bar.mute') : t('guests.noAudio')}
            aria-disabled={!may.audio || undefined}
            shortcut={t('keys.m')}
            icon={own.muted || !may.audio ? <IconMicrophoneOff /> : <IconMicrophone />}
            off={own.muted || !may.audio}
            onClick={own.toggleMic}
          />
          <MicMenu />
        </div>
        <div className={classes.pair}>
          <ControlButton
            label={may.video ? t(own.cameraOn ? 'bar.cameraOff' : 'bar.cameraOn') : t('guests.noVideo')}
            aria-disabled={!may.video || undefined}
            shortcut={t('keys.v')}
            icon={own.cameraOn && may.video ? <IconVideo /> : <IconVideoOff />}
            off={!own.cameraOn || !may.video}
            onClick={own.toggleCamera}
          />
          <CameraMenu />
        </div>
        {canShare() && may.video && (
          <ControlButton
            className={classes.wide}
            label={t(own.sharing ? 'bar.stopSharing' : own.shares ? 'bar.share' : 'bar.mayNotShare')}
            aria-disabled={(!own.shares && !own.sharing) || undefined}
            off={!own.shares && !own.sharing}
            icon={own.sharing || !own.shares ? <IconScreenShareOff /> : <IconScreenShare />}
            on={own.sharing}
            onClick={own.toggleShare}
          />
        )}
        <HandButton />
        <Reactions />
      </div>
      <div className={classes.group}>
        <ControlButton
          className={classes.wide}
          label={t('bar.people')}
          icon={<IconUsers />}
          count={waiting || inside}
          urgent={waiting > 0}
          countLabel={
            waiting > 0 ? t('waiting.list', { count: waiting }) : t('room.people', { count: inside })
          }
          on={controls.panel === 'people'}
          aria-expanded={controls.panel === 'people'}
          onClick={() => controls.togglePanel('people')}
        />
        <ControlButton
          label={t('bar.chat')}
          icon={<IconMessage />}
          count={controls.chat.unread}
          mark={controls.chat.mentions > 0 ? '@' : undefined}
          urgent={controls.chat.mentions > 0}
          countLabel={
            controls.chat.mentions > 0
              ? t('chat.unreadMentions', { count: controls.chat.unread })
              : t('chat.unread', { count: controls.chat.unread })
          }
          on={controls.panel === 'chat'}
          aria-expanded={controls.panel === 'chat'}
          onClick={() => controls.togglePanel('chat')}
        />
        <LayoutMenu controls={controls} />
        <MoreMenu controls={controls} />
      </div>
      <div className={classes.group}>
        <LeaveButton />
      </div>
    </div>
  );
}

/** Raises a hand; where there is a podium, that asks for a place, which moderators take themselves. */
function HandButton() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room, participants } = useMeeting();
  const own = useOwnSwitches();
  const { mine, moderates, offPodium, onPodium } = useMyself();
  if (onPodium && room.mode === 'role_based') {
    return (
      <ControlButton
        label={t('podium.leave')}
        icon={<IconStairsDown />}
        on
        onClick={() => meeting.leavePodium()}
      />
    );
  }
  const lecture = room.mode === 'lecture';
  if (onPodium && lecture && !moderates) {
    return (
      <ControlButton
        label={t('lecture.leave')}
        icon={<IconStairsDown />}
        on
        onClick={() => meeting.leavePodium()}
      />
    );
  }
  // While somebody lectures a moderator listens as others do.
  const isFree = !lecture || ![...participants.values()].some((one) => one.podium !== null);
  if (offPodium && moderates && isFree) {
    return (
      <ControlButton
        label={t(lecture ? 'lecture.take' : 'podium.take')}
        icon={<IconStairsUp />}
        onClick={() => meeting.moderate('give_podium', mine?.id)}
      />
    );
  }
  const asks = offPodium && room.mode === 'role_based';
  const label = asks
    ? t(own.hand ? 'podium.askNoMore' : 'podium.ask')
    : t(own.hand ? 'bar.lowerHand' : 'bar.raiseHand');
  return (
    <ControlButton
      label={label}
      shortcut={t('keys.h')}
      icon={<IconHandStop />}
      on={own.hand}
      aria-pressed={own.hand}
      onClick={own.toggleHand}
    />
  );
}

/** Moderators choose whether the others go on without them. */
function LeaveButton() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { moderates } = useMyself();
  const { room } = useMeeting();
  if (!moderates || room.call) {
    return (
      <ControlButton danger label={t('bar.leave')} icon={<IconPhoneOff />} onClick={() => meeting.leave()} />
    );
  }
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="top-end"
      shadow="md"
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <ControlButton danger label={t('bar.leave')} icon={<IconPhoneOff />} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPhoneOff size={18} aria-hidden />} onClick={() => meeting.leave()}>
          {t('end.leave')}
        </Menu.Item>
        <Menu.Item
          c="var(--plenary-bad)"
          leftSection={<IconDoorOff size={18} aria-hidden />}
          onClick={() => meeting.moderate('end')}
        >
          {t('end.forAll')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Reactions() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} position="top" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <ControlButton
          className={classes.wide}
          label={t('bar.react')}
          icon={<IconMoodSmile />}
          onClick={() => setOpened(!opened)}
        />
      </Popover.Target>
      <Popover.Dropdown p={6} aria-label={t('bar.react')}>
        <div className={classes.reactions}>
          {reactions.map((reaction) => (
            <button
              key={reaction}
              type="button"
              aria-label={t('bar.reactWith', { reaction })}
              onClick={() => {
                meeting.react(reaction);
                setOpened(false);
              }}
            >
              {reaction}
            </button>
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function LayoutMenu({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  return (
    <Menu withInitialFocusPlaceholder={false} position="top" shadow="md" transitionProps={{ duration: 80 }}>
      <Menu.Target>
        <ControlButton className={classes.wide} label={t('bar.layout')} icon={<IconLayoutGrid />} />
      </Menu.Target>
      <Menu.Dropdown>
        <LayoutItems controls={controls} />
      </Menu.Dropdown>
    </Menu>
  );
}
