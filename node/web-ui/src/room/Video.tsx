import { useEffect, useRef, useState } from 'react';
import classes from './Tile.module.css';

interface Props {
  track: MediaStreamTrack;
  mirrored?: boolean;
  /** Whole, with bars, instead of filling its frame. */
  whole?: boolean;
  className?: string;
}

/** A picture; until its first frame one sees what is behind it. */
export function Video({ track, mirrored, whole, className }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    // A tab in the background refuses; `autoplay` starts it when it is looked at.
    void element.play().catch(() => undefined);
    return () => {
      element.srcObject = null;
    };
  }, [track]);
  return (
    <video
      ref={video}
      className={[classes.video, className].filter(Boolean).join(' ')}
      data-mirrored={mirrored || undefined}
      data-whole={whole || undefined}
      data-seen={seen || undefined}
      autoPlay
      playsInline
      muted
      onLoadedData={() => setSeen(true)}
    />
  );
}
