import { Box, Group, Menu } from '@mantine/core';
import {
  IconActivity,
  IconClockPlus,
  IconDots,
  IconHash,
  IconKeyboard,
  IconMaximize,
  IconPictureInPicture,
  IconScreenShare,
  IconShieldLock,
  IconUserPlus,
  IconUsers,
} from '@tabler/icons-react';
import { choices } from '../meeting/choices';
import { ControlButton } from './ControlButton';
import { useChoices, useMeeting, useMeetingText, useVisit } from './context';
import { LayoutItems } from './LayoutItems';
import type { RoomControls } from './controls';
import { reactions } from './reactions';
import { useMayRename } from './useMayRename';
import { useMyself } from './useMyself';
import { useOwnSwitches } from './useOwnSwitches';

/** What is needed seldom; on phones also what the bar has no room for, in the same order. */
export function MoreMenu({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const choice = useChoices();
  const own = useOwnSwitches();
  const mayRename = useMayRename();
  const { room } = useMeeting();
  const { moderates } = useMyself();
  const clean = (change: { noise?: boolean; echo?: boolean }) => {
    choices.set(change);
    void local.changeMic();
  };
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="top"
      shadow="md"
      transitionProps={{ duration: 80 }}
      width={280}
    >
      <Menu.Target>
        <ControlButton label={t('bar.more')} icon={<IconDots />} />
      </Menu.Target>
      <Menu.Dropdown mah="calc(100dvh - 96px)" style={{ overflowY: 'auto' }}>
        <Menu.Item
          hiddenFrom="sm"
          leftSection={<IconScreenShare size={18} aria-hidden />}
          display={canShare() && own.may.video ? undefined : 'none'}
          disabled={!own.shares && !own.sharing}
          onClick={own.toggleShare}
        >
          {t(own.sharing ? 'bar.stopSharing' : own.shares ? 'bar.share' : 'bar.mayNotShare')}
        </Menu.Item>
        <ReactionItems />
        <Menu.Item
          hiddenFrom="sm"
          leftSection={<IconUsers size={18} aria-hidden />}
          onClick={() => controls.togglePanel('people')}
        >
          {t('bar.people')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconUserPlus size={18} aria-hidden />}
          onClick={() => controls.open('invite')}
        >
          {t('more.invite')}
        </Menu.Item>
        {moderates && !room.call && (
          <Menu.Item
            leftSection={<IconShieldLock size={18} aria-hidden />}
            onClick={() => controls.open('entryRules')}
          >
            {t('entryRules.open')}
          </Menu.Item>
        )}
        {moderates && room.planned && (
          <Menu.Item
            leftSection={<IconClockPlus size={18} aria-hidden />}
            onClick={() => controls.open('extend')}
          >
            {t('extend.open')}
          </Menu.Item>
        )}
        {mayRename && (
          <Menu.Item
            leftSection={<IconHash size={18} aria-hidden />}
            onClick={() => controls.open('changeId')}
          >
            {t('changeId.open')}
          </Menu.Item>
        )}
        {controls.full.possible && (
          <Menu.Item leftSection={<IconMaximize size={18} aria-hidden />} onClick={controls.full.toggle}>
            {t(controls.full.on ? 'more.leaveFull' : 'more.full')}
          </Menu.Item>
        )}
        {document.pictureInPictureEnabled && (
          <Menu.Item
            leftSection={<IconPictureInPicture size={18} aria-hidden />}
            onClick={() => void intoPicture()}
          >
            {t('more.picture')}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.CheckboxItem checked={controls.audioOnly} onChange={controls.setAudioOnly}>
          {t('more.audioOnly')}
        </Menu.CheckboxItem>
        <Menu.CheckboxItem checked={choice.noise} onChange={(noise) => clean({ noise })}>
          {t('more.noise')}
        </Menu.CheckboxItem>
        <Menu.CheckboxItem checked={choice.echo} onChange={(echo) => clean({ echo })}>
          {t('more.echo')}
        </Menu.CheckboxItem>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconActivity size={18} aria-hidden />}
          onClick={() => controls.open('details')}
        >
          {t('more.details')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconKeyboard size={18} aria-hidden />}
          onClick={() => controls.open('shortcuts')}
        >
          {t('more.shortcuts')}
        </Menu.Item>
        <Menu.Divider hiddenFrom="sm" />
        <Box hiddenFrom="sm" role="group" aria-label={t('bar.layout')}>
          <LayoutItems controls={controls} />
        </Box>
      </Menu.Dropdown>
    </Menu>
  );
}

/** One row of them, where the bar has no button for it. */
function ReactionItems() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  return (
    <Group gap={0} grow hiddenFrom="sm" role="group" aria-label={t('bar.react')}>
      {reactions.map((reaction) => (
        <Menu.Item
          key={reaction}
          px={0}
          ta="center"
          aria-label={t('bar.reactWith', { reaction })}
          onClick={() => meeting.react(reaction)}
        >
          {reaction}
        </Menu.Item>
      ))}
    </Group>
  );
}

/** Phones cannot. */
export const canShare = () => typeof navigator.mediaDevices?.getDisplayMedia === 'function';

/** What has the stage, or else the largest picture. */
async function intoPicture() {
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  const videos = [...document.querySelectorAll<HTMLVideoElement>('[data-participant] video')];
  const area = (video: HTMLVideoElement) => video.clientWidth * video.clientHeight;
  const largest = videos.sort((a, b) => area(b) - area(a))[0];
  await largest?.requestPictureInPicture().catch(() => undefined);
}
