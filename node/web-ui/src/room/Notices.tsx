import { Button, Loader } from '@mantine/core';
import {
  IconAccessPoint,
  IconAlertTriangle,
  IconHeadphones,
  IconMicrophoneOff,
  IconUserPlus,
  IconUsers,
} from '@tabler/icons-react';
import { type ReactNode } from 'react';
import { useChoices, useLocal, useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import classes from './Room.module.css';
import { useSpeakingMuted } from './useSpeakingMuted';

/** Words at the moment they help. */
export function Notices({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { phase, participants, quality, mediaBroken } = useMeeting();
  const { mic, muted, micProblem, cameraProblem } = useLocal(local);
  const { shortcuts } = useChoices();
  const speakingMuted = useSpeakingMuted(mic, muted);
  const weak = [...quality.values()].some((slot) => slot.reason === 'bandwidth' && slot.layer === null);
  return (
    <div className={classes.notices} role="status">
      {phase === 'reconnecting' && (
        <Notice tone="warn" icon={<Loader size={16} color="dark.8" aria-hidden />}>
          {t('notice.reconnecting')}
        </Notice>
      )}
      {phase === 'in' && mediaBroken && (
        <Notice tone="warn" icon={<IconAlertTriangle size={18} aria-hidden />}>
          {t('notice.noMedia')}
        </Notice>
      )}
      {phase === 'in' && weak && !controls.audioOnly && (
        <Notice icon={<IconAccessPoint size={18} aria-hidden />}>{t('notice.weak')}</Notice>
      )}
      {speakingMuted && (
        <Notice icon={<IconMicrophoneOff size={18} aria-hidden />}>
          {t(shortcuts ? 'notice.muted' : 'notice.mutedPlain')}
        </Notice>
      )}
      {controls.audioOnly && (
        <Notice icon={<IconHeadphones size={18} aria-hidden />}>
          {t('notice.audioOnly')}
          <Button size="compact-sm" variant="white" color="dark" onClick={() => controls.setAudioOnly(false)}>
            {t('notice.showPictures')}
          </Button>
        </Notice>
      )}
      {phase === 'in' && participants.size === 1 && (
        <Notice icon={<IconUsers size={18} aria-hidden />}>
          {t('room.alone')}
          <Button
            size="xs"
            leftSection={<IconUserPlus size={16} aria-hidden />}
            onClick={() => controls.open('invite')}
          >
            {t('more.invite')}
          </Button>
        </Notice>
      )}
      {micProblem && !muted && (
        <Notice tone="warn" icon={<IconAlertTriangle size={18} aria-hidden />}>
          {t(`help.mic.${micProblem}`)}
        </Notice>
      )}
      {cameraProblem === 'busy' && (
        <Notice tone="warn" icon={<IconAlertTriangle size={18} aria-hidden />}>
          {t('help.camera.busy')}
        </Notice>
      )}
    </div>
  );
}

function Notice({ tone, icon, children }: { tone?: 'warn'; icon: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.notice} data-tone={tone}>
      {icon}
      {children}
    </div>
  );
}
