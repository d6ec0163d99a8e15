import { describe, expect, it } from 'vitest';
import { bounded, divisors, modeOf, withDtx } from './publish';

const sdp = (fmtp: string) =>
  ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=rtpmap:111 opus/48000/2', fmtp]
    .concat(['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:3', 'a=rtpmap:111 opus/48000/2'])
    .filter(Boolean)
    .join('\r\n');

describe('pauses of a microphone', () => {
  it('cost nothing, and other sound keeps its own', () => {
    const [, mic, content] = withDtx(sdp('a=fmtp:111 minptime=10'), '0').split(/(?=^m=)/m);
    expect(mic).toContain('a=fmtp:111 minptime=10;usedtx=1\r\n');
    expect(content).not.toContain('usedtx');
  });

  it('are told where nothing else is', () =>
    expect(withDtx(sdp(''), '0')).toContain('a=rtpmap:111 opus/48000/2\r\na=fmtp:111 usedtx=1'));

  it('are not told twice', () => {
    const once = withDtx(sdp('a=fmtp:111 minptime=10'), '0');
    expect(withDtx(once, '0')).toBe(once);
  });
});

describe('layers of a camera', () => {
  it('are three of a large picture', () => expect(divisors(1280, 720)).toEqual([4, 2, 1]));
  it('are as many upright', () => expect(divisors(720, 1280)).toEqual([4, 2, 1]));
  it('end with the whole picture where the browser sends two', () =>
    expect(divisors(640, 360)).toEqual([2, 1, 1]));
  it('are one of a small picture, and that is whole', () => expect(divisors(320, 180)).toEqual([1, 1, 1]));
  it('are those of a large picture before there is one', () => expect(divisors()).toEqual([4, 2, 1]));
});

describe('what a conference wants at most', () => {
  it('is asked of the largest layer, and the others are smaller', () => {
    expect(bounded(360, 1280, 720, true)).toEqual([4, 2, 2]);
    expect(bounded(540, 1920, 1080, true)).toEqual([8, 4, 2]);
    expect(bounded(360, 720, 1280, true)).toEqual([4, 2, 2]);
  });
  it('changes nothing where a picture is smaller, or nothing is said', () => {
    expect(bounded(1080, 1280, 720, true)).toEqual([4, 2, 1]);
    expect(bounded(0, 1280, 720, true)).toEqual([4, 2, 1]);
    expect(bounded(0, 3840, 2160, false)).toEqual([1]);
  });
  it('is asked of a shared screen as well', () => expect(bounded(720, 2560, 1440, false)).toEqual([2]));
});

describe('encodings of a camera', () => {
  const sent = (mimeType: string, count = 3) =>
    ({ codecs: [{ mimeType }], encodings: Array<object>(count).fill({}) }) as unknown as RTCRtpSendParameters;
  it('are pictures of their own also where a browser would make layers of one', () => {
    expect(modeOf(sent('video/VP9'))).toBe('L1T1');
    expect(modeOf(sent('video/AV1'))).toBe('L1T1');
  });
  it('are that by themselves with the older codecs', () => {
    expect(modeOf(sent('video/VP8'))).toBeUndefined();
    expect(modeOf(sent('video/H264'))).toBeUndefined();
  });
  it('need no word where there is one, or nothing was negotiated', () => {
    expect(modeOf(sent('video/VP9', 1))).toBeUndefined();
    expect(modeOf({ codecs: [], encodings: [{}, {}] } as unknown as RTCRtpSendParameters)).toBeUndefined();
  });
});
