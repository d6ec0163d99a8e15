import { ActionIcon, Select, Stack, Tooltip } from '@mantine/core';
import { IconMicrophone, IconPlayerPlay, IconVideo, IconVolume } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { choices } from '../meeting/choices';
import type { Local } from '../meeting/local';
import { useChoices, useLocal, useMeetingText } from './context';
import { LevelBar } from './LevelBar';
import classes from './PreJoin.module.css';
import { playTestTone } from './testTone';
import { canChooseSpeaker, useDevices } from './useDevices';

/** Which microphone, camera and speaker. */
export function DeviceChoices({ local }: { local: Local }) {
  const { t } = useMeetingText();
  const { mic, camera } = useLocal(local);
  const choice = useChoices();
  const { mics, cameras, speakers } = useDevices(mic ?? camera);
  const [playing, setPlaying] = useState(false);
  const test = async () => {
    setPlaying(true);
    await playTestTone(choice.speaker).catch(() => undefined);
    setPlaying(false);
  };
  return (
    <Stack gap="sm">
      <div>
        <DeviceSelect
          label={t('entry.mic')}
          icon={<IconMicrophone size={18} aria-hidden />}
          devices={mics}
          value={mic?.getSettings().deviceId ?? choice.mic}
          choose={(id) => {
            choices.set({ mic: id });
            void local.changeMic();
          }}
        />
        <LevelBar track={mic} label={t('entry.level')} />
      </div>
      <DeviceSelect
        label={t('entry.camera')}
        icon={<IconVideo size={18} aria-hidden />}
        devices={cameras}
        value={camera?.getSettings().deviceId ?? choice.camera}
        choose={(id) => {
          choices.set({ camera: id });
          void local.changeCamera();
        }}
      />
      <div className={classes.sound}>
        <DeviceSelect
          label={t('entry.speaker')}
          icon={<IconVolume size={18} aria-hidden />}
          devices={canChooseSpeaker ? speakers : []}
          value={choice.speaker}
          choose={(id) => choices.set({ speaker: id })}
        />
        <Tooltip label={t('entry.tone')}>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t('entry.tone')}
            loading={playing}
            onClick={() => void test()}
          >
            <IconPlayerPlay size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
    </Stack>
  );
}

function DeviceSelect(props: {
  label: string;
  icon: ReactNode;
  devices: MediaDeviceInfo[];
  value: string;
  choose: (id: string) => void;
}) {
  const { t } = useMeetingText();
  const { devices, label, icon } = props;
  const data = devices.map((one) => ({
    value: one.deviceId,
    label: one.label || t('entry.unnamed'),
  }));
  const known = data.some((one) => one.value === props.value);
  return (
    <Select
      label={label}
      leftSection={icon}
      data={data}
      disabled={data.length === 0}
      placeholder={t(data.length === 0 ? 'entry.systemDevice' : 'entry.choose')}
      value={known ? props.value : (data[0]?.value ?? null)}
      allowDeselect={false}
      checkIconPosition="right"
      onChange={(id) => id && props.choose(id)}
    />
  );
}
