import type { Choices } from './choices';

/** Microphones, cameras and speakers, and why one cannot be used. */

export type DeviceProblem = 'insecure' | 'unsupported' | 'denied' | 'none' | 'busy' | 'failed';

export interface Devices {
  mics: MediaDeviceInfo[];
  cameras: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}

export const noDevices: Devices = { mics: [], cameras: [], speakers: [] };

export function problemOf(error: unknown): DeviceProblem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'none';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'failed';
}

/** What keeps this page from using any device or any meeting at all. */
export function obstacle(): 'insecure' | 'unsupported' | null {
  if (!window.isSecureContext) return 'insecure';
  if (!navigator.mediaDevices || typeof RTCPeerConnection === 'undefined') return 'unsupported';
  return null;
}

export async function listDevices(media: MediaDevices = navigator.mediaDevices): Promise<Devices> {
  const all = await media.enumerateDevices();
  // Before permission is given, devices have neither ID nor name: nothing to choose from.
  const of = (kind: MediaDeviceKind) => all.filter((one) => one.kind === kind && one.deviceId !== '');
  return { mics: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') };
}

export function micConstraints(choice: Choices): MediaTrackConstraints {
  return {
    deviceId: choice.mic ? { ideal: choice.mic } : undefined,
    echoCancellation: choice.echo,
    noiseSuppression: choice.noise,
    autoGainControl: true,
  };
}

export function cameraConstraints(choice: Choices): MediaTrackConstraints {
  return {
    deviceId: choice.camera ? { ideal: choice.camera } : undefined,
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
  };
}
