import type {
  MeetingAct,
  MeetingAnswer,
  MeetingCalledPerson,
  MeetingCarried,
  MeetingConnection,
  MeetingCounts,
  MeetingEndedReason,
  MeetingIceServer,
  MeetingInvitedPerson,
  MeetingJoined,
  MeetingKeptLayout,
  MeetingKind,
  MeetingLayout,
  MeetingListed,
  MeetingOffer,
  MeetingParticipant,
  MeetingPlace,
  MeetingReason,
  MeetingRefusal,
  MeetingRefused,
  MeetingRemovedPeople,
  MeetingRemovedPerson,
  MeetingRoom,
  MeetingSaid,
  MeetingSay,
  MeetingSlot,
  MeetingSlotRule,
  MeetingTile,
  MeetingWaiting,
  MeetingWriting,
  MeetingWatcher,
  MeetingWatchers,
  SignalClientBody,
  SignalServerBody,
} from '../api/generated/types.gen';

/** Messages of docs/protocols/meeting.md, made from the description of the interface, by the names they have here. */

export type LineKind = MeetingKind;
export type PictureKind = Extract<MeetingKind, 'video' | 'content'>;
export type ConnectionName = MeetingConnection;
export type Participant = MeetingParticipant;
export type ChatLine = MeetingSaid;
export type NewLine = MeetingSay;
export type Writing = MeetingWriting;
export type Seat = MeetingPlace;
export type ShownTile = MeetingTile & { kind: PictureKind };
export type Slot = MeetingSlot;
export type SlotReason = MeetingReason;
export type SlotQuality = MeetingCarried;
export type Offer = MeetingOffer;
export type Answer = MeetingAnswer;
export type IceServer = MeetingIceServer;
export type Joined = MeetingJoined;
export type RefusedCode = MeetingRefusal;
export type Refused = MeetingRefused;
export type EndedReason = MeetingEndedReason;
export type RoomFacts = MeetingRoom;
export type Waiting = MeetingWaiting;
export type Act = MeetingAct;
export type Layout = MeetingLayout;
export type KeptLayout = MeetingKeptLayout;
export type SlotRule = MeetingSlotRule;
export type Counts = MeetingCounts;
export type Listed = MeetingListed;
export type CalledPerson = MeetingCalledPerson;
export type InvitedPerson = MeetingInvitedPerson;
export type Watcher = MeetingWatcher;
export type Watchers = MeetingWatchers;
export type RemovedPerson = MeetingRemovedPerson;
export type RemovedPeople = MeetingRemovedPeople;
/** What is said of a refusal beside its code. */
export type RefusedFacts = Pick<MeetingRefused, 'left' | 'minutes' | 'full'>;

/** What the own switches are at, all of them. */
export interface OwnState {
  muted: boolean;
  camera: boolean;
  content: boolean;
  hand: boolean;
}

export type MeetingSays = Exclude<SignalClientBody, { type: 'watch' }>;
export type MeetingHears = Exclude<SignalServerBody, { type: 'changed' | 'presence' }>;

export type ClientMessage = SignalClientBody;
export type ServerMessage = SignalServerBody;

/** As `RTCPeerConnection` takes them. */
export function iceServers({ ice_servers }: Joined): RTCIceServer[] {
  return ice_servers.map(({ urls, username, credential }) => ({
    urls,
    username: username ?? undefined,
    credential: credential ?? undefined,
  }));
}
