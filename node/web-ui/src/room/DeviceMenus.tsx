import { Menu } from '@mantine/core';
import { IconChevronUp } from '@tabler/icons-react';
import { choices } from '../meeting/choices';
import { ControlButton } from './ControlButton';
import { useChoices, useLocal, useMeetingText, useVisit } from './context';
import { canChooseSpeaker, useDevices } from './useDevices';
import controls from './Controls.module.css';

/** Which devices, without leaving the meeting. */
export function MicMenu() {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { mic } = useLocal(local);
  const { speaker, mic: chosen } = useChoices();
  const { mics, speakers } = useDevices(mic);
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="top-start"
      shadow="md"
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <ControlButton caret className={controls.wide} label={t('bar.micMenu')} icon={<IconChevronUp />} />
      </Menu.Target>
      <Menu.Dropdown maw={360}>
        <Menu.Label>{t('entry.mic')}</Menu.Label>
        <DeviceItems
          devices={mics}
          chosen={mic?.getSettings().deviceId ?? chosen}
          choose={(id) => {
            choices.set({ mic: id });
            void local.changeMic();
          }}
        />
        {canChooseSpeaker && (
          <>
            <Menu.Divider />
            <Menu.Label>{t('entry.speaker')}</Menu.Label>
            <DeviceItems
              devices={speakers}
              chosen={speaker || speakers[0]?.deviceId || ''}
              choose={(id) => choices.set({ speaker: id })}
            />
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

export function CameraMenu() {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { camera } = useLocal(local);
  const { camera: chosen } = useChoices();
  const { cameras } = useDevices(camera);
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="top-start"
      shadow="md"
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <ControlButton caret className={controls.wide} label={t('bar.cameraMenu')} icon={<IconChevronUp />} />
      </Menu.Target>
      <Menu.Dropdown maw={360}>
        <Menu.Label>{t('entry.camera')}</Menu.Label>
        <DeviceItems
          devices={cameras}
          chosen={camera?.getSettings().deviceId ?? chosen}
          choose={(id) => {
            choices.set({ camera: id });
            void local.changeCamera();
          }}
        />
      </Menu.Dropdown>
    </Menu>
  );
}

function DeviceItems(props: { devices: MediaDeviceInfo[]; chosen: string; choose: (id: string) => void }) {
  const { t } = useMeetingText();
  if (props.devices.length === 0) return <Menu.Item disabled>{t('entry.systemDevice')}</Menu.Item>;
  return (
    <Menu.RadioGroup value={props.chosen} onChange={props.choose}>
      {props.devices.map((one) => (
        <Menu.RadioItem key={one.deviceId} value={one.deviceId} closeMenuOnClick>
          {one.label || t('entry.unnamed')}
        </Menu.RadioItem>
      ))}
    </Menu.RadioGroup>
  );
}
