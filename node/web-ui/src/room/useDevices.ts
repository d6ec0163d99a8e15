import { useEffect, useState } from 'react';
import { listDevices, noDevices, type Devices } from '../meeting/devices';

/** What is plugged in; `permission` changes when names become readable. */
export function useDevices(permission: unknown): Devices {
  const [devices, setDevices] = useState(noDevices);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    let wanted = true;
    const read = () =>
      void listDevices(media).then(
        (found) => wanted && setDevices(found),
        () => undefined,
      );
    read();
    media.addEventListener('devicechange', read);
    return () => {
      wanted = false;
      media.removeEventListener('devicechange', read);
    };
  }, [permission]);
  return devices;
}

/** Whether sound can be sent to a chosen speaker; where not, the system chooses. */
export const canChooseSpeaker =
  typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;
