import { Button } from '@mantine/core';
import { IconVolume } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useChoices, useMeeting, useMeetingText, useVisit } from './context';
import classes from './Sound.module.css';
import { canChooseSpeaker } from './useDevices';

/** Whom one hears. Browsers may refuse sound on a page that nobody has touched yet. */
export function Sound() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { speaker } = useChoices();
  const place = useRef<HTMLDivElement>(null);
  const [refused, setRefused] = useState(false);
  // Which tracks there are changes with the connection, told by `pictures`.
  useMeeting();
  const turnOn = () => {
    setRefused(false);
    place.current?.querySelectorAll('audio').forEach((one) => void one.play().catch(() => setRefused(true)));
  };
  return (
    <div ref={place} className={classes.sound}>
      {meeting.receive.sounds().map(({ key, track }) => (
        <Speaker key={key} track={track} speaker={speaker} refused={() => setRefused(true)} />
      ))}
      {refused && (
        <Button size="md" leftSection={<IconVolume size={20} aria-hidden />} onClick={turnOn}>
          {t('room.turnOnSound')}
        </Button>
      )}
    </div>
  );
}

interface Props {
  track: MediaStreamTrack;
  speaker: string;
  refused: () => void;
}

function Speaker({ track, speaker, refused }: Props) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const element = audio.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    void element.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') refused();
    });
    return () => {
      element.srcObject = null;
    };
    // `refused` only ever sets a state of the one that renders this.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [track]);
  useEffect(() => {
    const element = audio.current as
      (HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }) | null;
    // A speaker that was unplugged: the system's own goes on.
    if (canChooseSpeaker) void element?.setSinkId?.(speaker).catch(() => undefined);
  }, [speaker]);
  return <audio ref={audio} autoPlay />;
}
