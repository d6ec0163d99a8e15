import { Menu, Popover } from '@mantine/core';
import {
  IconHandStop,
  IconLayoutGrid,
  IconMessage,
  IconMicrophone,
  IconMicrophoneOff,
  IconMoodSmile,
  IconPhoneOff,
  IconScreenShare,
  IconScreenShareOff,
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
import { useOwnSwitches } from './useOwnSwitches';

/** In the order of how often and how urgently one needs it. */
export function ControlBar({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { participants } = useMeeting();
  const own = useOwnSwitches();
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
            label={t(own.muted ? 'bar.unmute' : 'bar.mute')}
            shortcut={t('keys.m')}
            icon={own.muted ? <IconMicrophoneOff /> : <IconMicrophone />}
            off={own.muted}
            onClick={own.toggleMic}
          />
          <MicMenu />
        </div>
        <div className={classes.pair}>
          <ControlButton
            label={t(own.cameraOn ? 'bar.cameraOff' : 'bar.cameraOn')}
            shortcut={t('keys.v')}
            icon={own.cameraOn ? <IconVideo /> : <IconVideoOff />}
            off={!own.cameraOn}
            onClick={own.toggleCamera}
          />
          <CameraMenu />
        </div>
        {canShare() && (
          <ControlButton
            className={classes.wide}
            label={t(own.sharing ? 'bar.stopSharing' : 'bar.share')}
            icon={own.sharing ? <IconScreenShareOff /> : <IconScreenShare />}
            on={own.sharing}
            onClick={own.toggleShare}
          />
        )}
        <ControlButton
          label={t(own.hand ? 'bar.lowerHand' : 'bar.raiseHand')}
          shortcut={t('keys.h')}
          icon={<IconHandStop />}
          on={own.hand}
          aria-pressed={own.hand}
          onClick={own.toggleHand}
        />
        <Reactions />
      </div>
      <div className={classes.group}>
        <ControlButton
          className={classes.wide}
          label={t('bar.people')}
          icon={<IconUsers />}
          count={participants.size}
          countLabel={t('room.people', { count: participants.size })}
          on={controls.panel === 'people'}
          aria-expanded={controls.panel === 'people'}
          onClick={() => controls.togglePanel('people')}
        />
        <ControlButton
          label={t('bar.chat')}
          icon={<IconMessage />}
          count={controls.unread}
          countLabel={t('chat.unread', { count: controls.unread })}
          on={controls.panel === 'chat'}
          aria-expanded={controls.panel === 'chat'}
          onClick={() => controls.togglePanel('chat')}
        />
        <LayoutMenu />
        <MoreMenu controls={controls} />
      </div>
      <div className={classes.group}>
        <ControlButton
          danger
          label={t('bar.leave')}
          icon={<IconPhoneOff />}
          onClick={() => meeting.leave()}
        />
      </div>
    </div>
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

function LayoutMenu() {
  const { t } = useMeetingText();
  return (
    <Menu withInitialFocusPlaceholder={false} position="top" shadow="md" transitionProps={{ duration: 80 }}>
      <Menu.Target>
        <ControlButton className={classes.wide} label={t('bar.layout')} icon={<IconLayoutGrid />} />
      </Menu.Target>
      <Menu.Dropdown>
        <LayoutItems />
      </Menu.Dropdown>
    </Menu>
  );
}
