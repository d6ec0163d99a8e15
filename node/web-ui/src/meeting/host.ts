import type { EndReason, SocketLike } from '../live/signal';
import type { Seat } from './messages';
import type { OverReason } from './state';

/** What a meeting needs of the world around it. */
export interface MeetingHost {
  cid: string;
  url(): string;
  token(): string | null;
  open(url: string): SocketLike;
  peer(config: RTCConfiguration): RTCPeerConnection;
  random(): number;
  now(): number;
  onNodes(urls: string[]): void;
  onMoveOn(url: string, others: string[]): void;
  /** The seat of before, so that a page that was loaded again comes back to it. */
  seat(): Seat | null;
  keepSeat(seat: Seat | null): void;
  /** People find the conference by another ID from now on. */
  onCid(cid: string): void;
  /** A moderator, or the conference on entry, has switched this off. */
  silence(what: 'microphone' | 'camera' | 'screen'): void;
}

/** What the end of the signalling means for the meeting. */
export const ENDS: Record<EndReason, OverReason> = {
  token: 'signed-out',
  right: 'forbidden',
  replaced: 'elsewhere',
  defect: 'defect',
};
