import type { Choices } from './choices';
import { cameraConstraints, micConstraints, problemOf, type DeviceProblem } from './devices';
import type { Tracks } from './publish';

/**
 * Own microphone, camera and screen. The microphone stays open while muted, so that it can be told that one
 * speaks without being heard; a camera that is off is really off.
 */

export interface LocalState {
  muted: boolean;
  cameraOn: boolean;
  sharing: boolean;
  mic: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  content: MediaStreamTrack | null;
  contentAudio: MediaStreamTrack | null;
  /** Somebody is asked, or the device is starting. */
  asking: boolean;
  micProblem: DeviceProblem | null;
  cameraProblem: DeviceProblem | null;
}

export interface LocalHost {
  media: Pick<MediaDevices, 'getUserMedia' | 'getDisplayMedia'> | null;
  choices(): Choices;
  /** Why no device can be used at all. */
  obstacle: DeviceProblem | null;
}

const off: LocalState = {
  muted: true,
  cameraOn: false,
  sharing: false,
  mic: null,
  camera: null,
  content: null,
  contentAudio: null,
  asking: false,
  micProblem: null,
  cameraProblem: null,
};

export class Local {
  private readonly host: LocalHost;
  private readonly listeners = new Set<() => void>();
  private state: LocalState;
  private closed = false;

  constructor(host: LocalHost) {
    this.host = host;
    this.state = { ...off, micProblem: host.obstacle, cameraProblem: host.obstacle };
  }

  current = (): LocalState => this.state;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** What the lines to the node carry. */
  tracks(): Tracks {
    const { muted, mic, cameraOn, camera, content, contentAudio } = this.state;
    return {
      audio: muted ? null : mic,
      video: cameraOn ? camera : null,
      content,
      content_audio: contentAudio,
    };
  }

  /** Opens what was on before; with one question for both where the browser asks. */
  async start() {
    this.closed = false;
    const { micOn, cameraOn } = this.host.choices();
    if (!this.host.media || this.host.obstacle) return;
    this.next({ asking: true });
    try {
      const stream = await this.host.media.getUserMedia({
        audio: micConstraints(this.host.choices()),
        video: cameraOn ? cameraConstraints(this.host.choices()) : false,
      });
      this.take('mic', stream.getAudioTracks()[0] ?? null);
      this.take('camera', stream.getVideoTracks()[0] ?? null);
      this.next({ muted: !micOn, cameraOn: cameraOn && this.state.camera !== null });
    } catch {
      // One of the two is enough to go on with.
      await this.openMic();
      this.next({ muted: !micOn || !this.state.mic });
      if (cameraOn) await this.setCamera(true);
    }
    this.next({ asking: false });
  }

  async setMuted(muted: boolean) {
    if (!muted && !this.state.mic) await this.openMic();
    this.next({ muted: muted || !this.state.mic });
  }

  async setCamera(on: boolean) {
    if (on) await this.openCamera();
    else this.take('camera', null);
    this.next({ cameraOn: on && this.state.camera !== null });
  }

  /** Another microphone, or another way to clean its sound, while it is in use. */
  async changeMic() {
    const wasMuted = this.state.muted;
    await this.openMic();
    this.next({ muted: wasMuted || !this.state.mic });
  }

  async changeCamera() {
    if (this.state.cameraOn) await this.setCamera(true);
  }

  /** False when somebody chose not to, which is no fault. */
  async share(): Promise<boolean> {
    if (!this.host.media) return false;
    let stream: MediaStream;
    try {
      stream = await this.host.media.getDisplayMedia({
        video: { frameRate: { ideal: 15, max: 30 } },
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
    } catch {
      return false;
    }
    const content = stream.getVideoTracks()[0] ?? null;
    if (content) {
      // Letters rather than smooth motion.
      content.contentHint = 'detail';
      content.onended = () => this.stopSharing();
    }
    this.release(this.state.content);
    this.release(this.state.contentAudio);
    this.next({ content, contentAudio: stream.getAudioTracks()[0] ?? null, sharing: content !== null });
    return content !== null;
  }

  stopSharing() {
    this.release(this.state.content);
    this.release(this.state.contentAudio);
    this.next({ content: null, contentAudio: null, sharing: false });
  }

  close() {
    this.closed = true;
    const { mic, camera, content, contentAudio } = this.state;
    for (const track of [mic, camera, content, contentAudio]) this.release(track);
    this.next({ ...off, micProblem: this.host.obstacle, cameraProblem: this.host.obstacle });
  }

  private async openMic() {
    const track = await this.open('mic', { audio: micConstraints(this.host.choices()) });
    this.take('mic', track);
  }

  private async openCamera() {
    const track = await this.open('camera', { video: cameraConstraints(this.host.choices()) });
    this.take('camera', track);
  }

  private async open(what: 'mic' | 'camera', constraints: MediaStreamConstraints) {
    if (!this.host.media || this.host.obstacle) return null;
    try {
      const stream = await this.host.media.getUserMedia(constraints);
      return stream.getTracks()[0] ?? null;
    } catch (error) {
      this.next({ [`${what}Problem`]: problemOf(error) });
      return null;
    }
  }

  private take(what: 'mic' | 'camera', track: MediaStreamTrack | null) {
    const before = this.state[what];
    if (this.closed) return this.release(track);
    if (track) track.onended = () => this.gone(what, track);
    this.next({ [what]: track, ...(track ? { [`${what}Problem`]: null } : {}) });
    if (before !== track) this.release(before);
  }

  /** Unplugged, or taken away by the browser. */
  private gone(what: 'mic' | 'camera', track: MediaStreamTrack) {
    if (this.state[what] !== track) return;
    const closing = what === 'mic' ? { muted: true } : { cameraOn: false };
    this.next({ [what]: null, [`${what}Problem`]: 'none', ...closing });
  }

  private release(track: MediaStreamTrack | null) {
    if (!track) return;
    track.onended = null;
    track.stop();
  }

  private next(change: Partial<LocalState>) {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}
