import { nodes } from '../api/nodes';
import { onOtherNetwork } from '../live/network';
import type { SocketLike } from '../live/signal';
import { choices } from '../meeting/choices';
import { obstacle } from '../meeting/devices';
import { Local } from '../meeting/local';
import { Meeting } from '../meeting/meeting';
import { passes, seats } from '../meeting/seat';
import { startTicks } from '../meeting/ticks';
import { links } from '../registration/links';

/** Joins the state machines with the browser: sockets, peer connections, devices, time. */

/** The seat's time is renewed so often while one is inside. */
const TOUCH_TICKS = 20;

export function ownDevices(): Local {
  return new Local({
    media: navigator.mediaDevices ?? null,
    choices: choices.current,
    obstacle: obstacle(),
  });
}

export interface Visit {
  meeting: Meeting;
  local: Local;
  end(): void;
}

/** A meeting that one looks at from outside, with the connections that it will have. */
export interface Entry {
  /** For as long as the page is there; gives what ends it. */
  stay(): () => void;
  /** Makes the connections' offers, anew if they are there already: they take a browser as long as all the rest. */
  ahead(): void;
  enter(token: () => string | null): Visit;
}

/** `renamed`: the conference is found by another ID from now on. */
export function prepare(first: string, local: Local, renamed: (cid: string) => void): Entry {
  let token: () => string | null = () => null;
  let cid = first;
  const meeting = new Meeting({
    cid,
    onCid(now) {
      seats.keep(cid, null);
      passes.follow(cid, now);
      links.follow(cid, now);
      cid = now;
      renamed(now);
    },
    token: () => token(),
    url: () => nodes.current(),
    open: (url) => new WebSocket(url) as unknown as SocketLike,
    peer: (config) => new RTCPeerConnection(config),
    random: Math.random,
    now: () => performance.now(),
    onNodes: (urls) => nodes.learn(urls),
    onMoveOn: (url, others) => (others.length > 0 ? nodes.moveTo(others) : nodes.moveOn(url)),
    seat: () => seats.of(cid),
    keepSeat: (seat) => seats.keep(cid, seat),
    silence(what) {
      if (what === 'screen') local.stopSharing();
      else void (what === 'camera' ? local.setCamera(false) : local.setMuted(true));
    },
  });
  const send = () => {
    const { muted, cameraOn: camera, sharing: content } = local.current();
    meeting.send(local.tracks());
    meeting.set({ muted, camera, content });
  };
  return {
    stay() {
      // The way to the node has to be found anew.
      const forgetNetwork = onOtherNetwork(() => meeting.hurry());
      return () => {
        forgetNetwork();
        meeting.dispose();
      };
    },
    ahead() {
      meeting.send(local.tracks());
      meeting.ahead(true);
    },
    enter(given) {
      token = given;
      return go(() => cid, meeting, local, send);
    },
  };
}

function go(cid: () => string, meeting: Meeting, local: Local, send: () => void): Visit {
  const forgetLocal = local.subscribe(send);
  const { muted, cameraOn } = local.current();
  send();
  meeting.enter({ muted, camera: cameraOn });

  let ticks = 0;
  const stopTicks = startTicks(() => {
    meeting.tick();
    ticks += 1;
    if (ticks % TOUCH_TICKS === 0 && meeting.current().phase !== 'over') seats.touch(cid());
  });
  return {
    meeting,
    local,
    end() {
      stopTicks();
      forgetLocal();
      meeting.leave();
    },
  };
}
