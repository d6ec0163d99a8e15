import { Menu } from '@mantine/core';
import {
  IconActivity,
  IconCheck,
  IconDots,
  IconHeadphones,
  IconKeyboard,
  IconMaximize,
  IconMoodSmile,
  IconPictureInPicture,
  IconScreenShare,
  IconUserPlus,
  IconUsers,
  IconWaveSine,
} from '@tabler/icons-react';
import { choices } from '../meeting/choices';
import { ControlButton } from './ControlButton';
import { useChoices, useMeetingText, useVisit } from './context';
import { LayoutItems } from './LayoutItems';
import { useOwnSwitches, type RoomControls } from './Room';

/** What is needed seldom; on phones also what the bar has no room for, in the same order. */
export function MoreMenu({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { local, meeting } = useVisit();
  const choice = useChoices();
  const own = useOwnSwitches();
  const clean = (change: { noise?: boolean; echo?: boolean }) => {
    choices.set(change);
    void local.changeMic();
  };
  return (
    <Menu position="top" shadow="md" transitionProps={{ duration: 80 }} width={280}>
      <Menu.Target>
        <ControlButton label={t('bar.more')} icon={<IconDots />} />
      </Menu.Target>
      <Menu.Dropdown mah="calc(100dvh - 96px)" style={{ overflowY: 'auto' }}>
        <Menu.Item
          hiddenFrom="sm"
          leftSection={<IconScreenShare size={18} aria-hidden />}
          display={canShare() ? undefined : 'none'}
          onClick={own.toggleShare}
        >
          {t(own.sharing ? 'bar.stopSharing' : 'bar.share')}
        </Menu.Item>
        <Menu.Item
          hiddenFrom="sm"
          leftSection={<IconMoodSmile size={18} aria-hidden />}
          onClick={() => meeting.react('👍')}
        >
          {t('bar.reactWith', { reaction: '👍' })}
        </Menu.Item>
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
        <Toggle
          icon={<IconHeadphones size={18} aria-hidden />}
          label={t('more.audioOnly')}
          on={controls.audioOnly}
          set={controls.setAudioOnly}
        />
        <Toggle
          icon={<IconWaveSine size={18} aria-hidden />}
          label={t('more.noise')}
          on={choice.noise}
          set={(noise) => clean({ noise })}
        />
        <Toggle
          icon={<IconWaveSine size={18} aria-hidden />}
          label={t('more.echo')}
          on={choice.echo}
          set={(echo) => clean({ echo })}
        />
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
        <div className="mantine-hidden-from-sm">
          <LayoutItems />
        </div>
      </Menu.Dropdown>
    </Menu>
  );
}

function Toggle(props: { icon: React.ReactNode; label: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <Menu.Item
      role="menuitemcheckbox"
      aria-checked={props.on}
      leftSection={props.icon}
      rightSection={props.on && <IconCheck size={16} aria-hidden />}
      onClick={() => props.set(!props.on)}
    >
      {props.label}
    </Menu.Item>
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
