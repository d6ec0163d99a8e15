import { Loader, Text } from '@mantine/core';
import { IconMicrophone, IconMicrophoneOff, IconVideo, IconVideoOff } from '@tabler/icons-react';
import { choices } from '../meeting/choices';
import type { Local } from '../meeting/local';
import { useLocal, useMeetingText } from './context';
import { ControlButton } from './ControlButton';
import { Portrait } from './Portrait';
import { Video } from './Video';
import classes from './PreJoin.module.css';

/** Oneself as in a mirror, with what is on and off. */
export function Preview({ local, name }: { local: Local; name: string }) {
  const { t } = useMeetingText();
  const { camera, cameraOn, muted, asking, mic, micProblem, cameraProblem } = useLocal(local);
  const seen = cameraOn && camera !== null;
  const toggleMic = () => {
    choices.set({ micOn: muted });
    void local.setMuted(!muted);
  };
  const toggleCamera = () => {
    choices.set({ cameraOn: !cameraOn });
    void local.setCamera(!cameraOn);
  };
  return (
    <section className={classes.preview} aria-label={t('entry.preview')}>
      {seen ? (
        <Video track={camera} mirrored className={classes.picture} />
      ) : (
        <Portrait name={name} size={80} />
      )}
      <Text size="sm" className={classes.said} role="status">
        {asking ? (
          <>
            <Loader size={14} color="#fff" aria-hidden /> {t('entry.asking')}
          </>
        ) : (
          !seen && t(cameraProblem ? 'entry.noCamera' : 'entry.cameraOff')
        )}
      </Text>
      <div className={classes.toggles}>
        <ControlButton
          label={t(muted ? 'bar.unmute' : 'bar.mute')}
          icon={muted ? <IconMicrophoneOff /> : <IconMicrophone />}
          off={muted}
          disabled={!mic && micProblem !== null}
          onClick={toggleMic}
        />
        <ControlButton
          label={t(cameraOn ? 'bar.cameraOff' : 'bar.cameraOn')}
          icon={cameraOn ? <IconVideo /> : <IconVideoOff />}
          off={!cameraOn}
          disabled={!cameraOn && cameraProblem !== null}
          onClick={toggleCamera}
        />
      </div>
    </section>
  );
}
