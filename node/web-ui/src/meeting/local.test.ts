import { describe, expect, it, vi } from 'vitest';
import { choices } from './choices';
import { problemOf } from './devices';
import { Local } from './local';

class Track {
  stopped = false;
  onended: (() => void) | null = null;
  contentHint = '';
  readonly kind: string;
  constructor(kind: string) {
    this.kind = kind;
  }
  stop() {
    this.stopped = true;
  }
}

const failure = (name: string) => Object.assign(new Error(name), { name });

function devices(refuse: (constraints: MediaStreamConstraints) => Error | null = () => null) {
  const made: Track[] = [];
  const stream = (constraints: MediaStreamConstraints) => {
    const tracks = [constraints.audio && new Track('audio'), constraints.video && new Track('video')];
    const got = tracks.filter((one): one is Track => !!one);
    made.push(...got);
    return {
      getTracks: () => got,
      getAudioTracks: () => got.filter((one) => one.kind === 'audio'),
      getVideoTracks: () => got.filter((one) => one.kind === 'video'),
    } as unknown as MediaStream;
  };
  const get = vi.fn(async (constraints: MediaStreamConstraints = {}) => {
    const refused = refuse(constraints);
    if (refused) throw refused;
    return stream(constraints);
  });
  const local = new Local({
    media: { getUserMedia: get, getDisplayMedia: get },
    choices: choices.current,
    obstacle: null,
  });
  return { local, made, get };
}

describe('own devices', () => {
  it('start with one question for both', async () => {
    const { local, get } = devices();
    await local.start();
    expect(get).toHaveBeenCalledTimes(1);
    expect(local.current()).toMatchObject({ muted: false, cameraOn: true, asking: false });
  });

  it('go on with the microphone where there is no camera', async () => {
    const { local } = devices(({ video }) => (video ? failure('NotFoundError') : null));
    await local.start();
    expect(local.current()).toMatchObject({
      muted: false,
      cameraOn: false,
      cameraProblem: 'none',
      micProblem: null,
    });
  });

  it('are none at all where nothing is allowed', async () => {
    const { local } = devices(() => failure('NotAllowedError'));
    await local.start();
    expect(local.current()).toMatchObject({ muted: true, micProblem: 'denied', cameraProblem: 'denied' });
    expect(local.tracks()).toEqual({ audio: null, video: null, content: null, content_audio: null });
  });

  it('send nothing while muted, with the microphone still open, and a camera that is off is really off', async () => {
    const { local, made } = devices();
    await local.start();
    await local.setMuted(true);
    expect(local.tracks().audio).toBeNull();
    expect(made[0]!.stopped).toBe(false);
    await local.setCamera(false);
    expect(made[1]!.stopped).toBe(true);
    expect(local.tracks().video).toBeNull();
  });

  it('change while in use, muted as before', async () => {
    const { local, made } = devices();
    await local.start();
    await local.setMuted(true);
    await local.changeMic();
    expect(made[0]!.stopped).toBe(true);
    expect(local.current()).toMatchObject({ muted: true });
    expect(local.current().mic).toBe(made[2]);
  });

  it('are told to be gone when they are unplugged', async () => {
    const { local, made } = devices();
    await local.start();
    made[0]!.onended?.();
    expect(local.current()).toMatchObject({ muted: true, mic: null, micProblem: 'none' });
  });

  it('stop sharing when the browser does', async () => {
    const { local, made } = devices();
    expect(await local.share()).toBe(true);
    expect(local.tracks().content).toBe(made[1]);
    expect(made[1]!.contentHint).toBe('detail');
    made[1]!.onended?.();
    expect(local.current().sharing).toBe(false);
    expect(local.tracks().content).toBeNull();
  });

  it.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'none'],
    ['NotReadableError', 'busy'],
    ['TypeError', 'failed'],
  ])('%s means %s', (name, problem) => expect(problemOf(failure(name))).toBe(problem));
});
