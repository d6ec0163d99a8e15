import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { notices, tellOfCall } from './notices';

class FakeNotice {
  static permission: NotificationPermission = 'default';
  static shown: FakeNotice[] = [];
  static requestPermission = vi.fn(async () => (FakeNotice.permission = 'granted'));
  onclick: (() => void) | null = null;
  close = vi.fn();
  readonly text: string;
  constructor(text: string) {
    this.text = text;
    FakeNotice.shown.push(this);
  }
}

const hidden = vi.spyOn(document, 'hidden', 'get');
const look = (is: boolean) => {
  hidden.mockReturnValue(is);
  document.dispatchEvent(new Event('visibilitychange'));
};
const settle = () => new Promise((done) => setTimeout(done));

describe('notices of calls', () => {
  beforeEach(() => {
    localStorage.clear();
    FakeNotice.permission = 'default';
    FakeNotice.shown = [];
    vi.stubGlobal('Notification', FakeNotice);
    hidden.mockReturnValue(false);
  });
  afterEach(() => vi.unstubAllGlobals());

  const call = (act = vi.fn()) => ({
    cid: 'c1',
    text: 'Ann is calling you',
    accept: 'Answer',
    decline: 'Decline',
    act,
  });

  it('are asked for when somebody wants them, and offered until somebody does not', async () => {
    expect([notices.state(), notices.isOffered()]).toEqual(['off', true]);
    notices.decline();
    expect(notices.isOffered()).toBe(false);
    await notices.on();
    expect(FakeNotice.requestPermission).toHaveBeenCalledTimes(1);
    expect(notices.state()).toBe('on');
    notices.off();
    expect(notices.state()).toBe('off');
    FakeNotice.permission = 'denied';
    expect(notices.state()).toBe('blocked');
  });

  it('are shown as long as the page is hidden and it rings', async () => {
    FakeNotice.permission = 'granted';
    const act = vi.fn();
    const end = tellOfCall(call(act));
    await settle();
    expect(FakeNotice.shown).toHaveLength(0);
    look(true);
    await settle();
    expect(FakeNotice.shown.map(({ text }) => text)).toEqual(['Ann is calling you']);
    FakeNotice.shown[0]!.onclick?.();
    expect(act).toHaveBeenCalledWith('show');
    look(false);
    expect(FakeNotice.shown[0]!.close).toHaveBeenCalled();
    look(true);
    await settle();
    expect(FakeNotice.shown).toHaveLength(2);
    end();
    expect(FakeNotice.shown[1]!.close).toHaveBeenCalled();
  });

  it('are not shown to who does not want them', async () => {
    FakeNotice.permission = 'granted';
    notices.off();
    hidden.mockReturnValue(true);
    tellOfCall(call())();
    await settle();
    expect(FakeNotice.shown).toHaveLength(0);
  });
});
