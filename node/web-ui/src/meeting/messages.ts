import type { SignalClientBody, SignalServerBody } from '../api/generated/types.gen';

/** Messages of docs/protocols/meeting.md. Everything else takes them from here. */

export type LineKind = 'audio' | 'video' | 'content' | 'content_audio';
export type PictureKind = 'video' | 'content';
export type ConnectionName = 'publish' | 'receive';

export interface Participant {
  id: string;
  name: string;
  user: string | null;
  guest: boolean;
  via: 'browser' | 'whip';
  node: string;
  muted: boolean;
  camera: boolean;
  content: boolean;
  /** When it was raised: the order of hands. */
  hand: number | null;
  reaction: { text: string; at: number } | null;
  joined_at: number;
  /** Their node is lost; their place is kept for a while. */
  away: boolean;
}

export interface ChatLine {
  id: string;
  participant: string;
  name: string;
  text: string;
  at: number;
}

export interface Seat {
  participant: string;
  secret: string;
}

export interface OwnState {
  muted: boolean;
  camera: boolean;
  content: boolean;
  hand: boolean;
}

export interface ShownTile {
  participant: string;
  kind: PictureKind;
  /** Pixels of the screen. */
  height: number;
}

export interface Slot {
  mid: string;
  kind: LineKind;
  participant: string | null;
}

export type SlotReason = 'ok' | 'bandwidth' | 'no-picture' | 'hidden';

export interface SlotQuality {
  mid: string;
  layer: number | null;
  height: number;
  reason: SlotReason;
}

export interface Offer {
  connection: ConnectionName;
  generation: number;
  sdp: string;
  lines: { mid: string; kind: LineKind }[];
}

export type Answer = Pick<Offer, 'connection' | 'generation' | 'sdp'>;

export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface Joined {
  room: { cid: string; name: string };
  participant: string;
  secret: string;
  participants: Participant[];
  chat: ChatLine[];
  ice_servers: IceServer[];
}

export type RefusedCode =
  | 'not-found'
  | 'forbidden'
  | 'full'
  | 'bad-offer'
  | 'bad-request'
  | 'not-joined'
  | 'too-fast'
  | 'unavailable';

export interface Refused {
  request: string;
  code: RefusedCode;
  detail: string;
}

export type EndedReason = 'removed' | 'room-deleted' | 'not-allowed' | 'elsewhere';

export type MeetingSays =
  | { type: 'join'; body: { room: string; muted: boolean; camera: boolean; resume: Seat | null } }
  | { type: 'offer'; body: Offer }
  | { type: 'show'; body: { tiles: ShownTile[] } }
  | { type: 'state'; body: Partial<OwnState> }
  | { type: 'react'; body: { reaction: string } }
  | { type: 'say'; body: { text: string } }
  | { type: 'leave'; body: Record<string, never> };

export type MeetingHears =
  | { type: 'joined'; body: Joined }
  | { type: 'refused'; body: Refused }
  | { type: 'answer'; body: Answer }
  | { type: 'lost'; body: Pick<Offer, 'connection' | 'generation'> }
  | { type: 'roster'; body: { participants: Participant[]; gone: string[] } }
  | { type: 'slots'; body: { slots: Slot[] } }
  | { type: 'speaking'; body: { participants: string[] } }
  | { type: 'layers'; body: { kind: PictureKind; highest: number | null } }
  | { type: 'quality'; body: { kbps: number; slots: SlotQuality[] } }
  | { type: 'chat'; body: { lines: ChatLine[] } }
  | { type: 'ended'; body: { reason: EndedReason } };

export type ClientMessage = SignalClientBody | MeetingSays;
export type ServerMessage = SignalServerBody | MeetingHears;
