/** Tells of calls where the page is not looked at, as far as somebody wants that on this browser and lets it. */

const KEY = 'plenary.callNotices';
const WORKER = '/calls.js';
const TAG = 'plenary-call';

/** `blocked`: the browser was told to ask no more; `none`: it has no such notices here. */
export type NoticeState = 'on' | 'off' | 'blocked' | 'none';

interface Kept {
  wanted?: boolean;
  /** Not now: it is offered no more. */
  declined?: boolean;
}

const listeners = new Set<() => void>();

function read(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Kept;
  } catch {
    return {};
  }
}

function keep(change: Kept) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), ...change }));
  } catch {
    // It holds for as long as the browser asks nobody.
  }
  listeners.forEach((listener) => listener());
}

const isThere = () => 'Notification' in window;

export const notices = {
  state(): NoticeState {
    if (!isThere()) return 'none';
    if (Notification.permission === 'denied') return 'blocked';
    return Notification.permission === 'granted' && read().wanted !== false ? 'on' : 'off';
  },
  /** Nobody was asked on this browser, and nobody has said no. */
  isOffered: () => isThere() && Notification.permission === 'default' && !read().declined,
  decline: () => keep({ declined: true }),
  /** The browser asks, if it was not allowed before. */
  async on(): Promise<void> {
    if (isThere() && Notification.permission === 'default') await Notification.requestPermission();
    keep({ wanted: true });
  },
  off: () => keep({ wanted: false }),
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

export interface CallNotice {
  cid: string;
  text: string;
  /** The words on the buttons. */
  accept: string;
  decline: string;
  act: (what: 'accept' | 'decline' | 'show') => void;
}

/** Shows it while the page is hidden; gives what takes it away. */
export function tellOfCall(call: CallNotice): () => void {
  let hide: (() => void) | null = null;
  const look = () => {
    const shown = document.hidden && notices.state() === 'on';
    if (shown && !hide) hide = show(call);
    else if (!shown) {
      hide?.();
      hide = null;
    }
  };
  look();
  document.addEventListener('visibilitychange', look);
  return () => {
    document.removeEventListener('visibilitychange', look);
    hide?.();
  };
}

/** With buttons where the browser has them, which only a worker can show; else one that leads to the page. */
function show(call: CallNotice): () => void {
  let over = false;
  let plain: Notification | null = null;
  const tag = `${TAG}-${call.cid}`;
  const hear = ({ data }: MessageEvent<{ call?: string; act?: string }>) => {
    if (data.call !== call.cid) return;
    call.act(data.act === 'accept' || data.act === 'decline' ? data.act : 'show');
  };
  const fallBack = () => {
    if (over) return;
    plain = new Notification(call.text, { tag, requireInteraction: true });
    plain.onclick = () => {
      window.focus();
      call.act('show');
    };
  };
  void worker().then((registration) => {
    if (over) return;
    if (!registration) return fallBack();
    navigator.serviceWorker.addEventListener('message', hear);
    const options = {
      tag,
      requireInteraction: true,
      data: { call: call.cid },
      actions: [
        { action: 'accept', title: call.accept },
        { action: 'decline', title: call.decline },
      ],
    };
    return registration.showNotification(call.text, options).catch(fallBack);
  });
  return () => {
    over = true;
    plain?.close();
    navigator.serviceWorker?.removeEventListener('message', hear);
    void worker().then(async (registration) => {
      const shown = await registration?.getNotifications({ tag });
      shown?.forEach((one) => one.close());
    });
  };
}

let known: Promise<ServiceWorkerRegistration | null> | null = null;

/** Null where there are no buttons, or the browser takes no worker, as with a certificate that it does not trust. */
function worker(): Promise<ServiceWorkerRegistration | null> {
  const most = (Notification as { maxActions?: number }).maxActions ?? 0;
  known ??=
    'serviceWorker' in navigator && most >= 2
      ? navigator.serviceWorker
          .register(WORKER)
          .then(() => navigator.serviceWorker.ready)
          .catch(() => null)
      : Promise.resolve(null);
  return known;
}
