import type { Act, RoomFacts } from '../meeting/messages';

/** Acts that say no more than about whom they are, and for how long. */
export type DeskAct = Exclude<Act, 'set_pin' | 'set_waiting_room' | 'let_back'>;

/** Where moderators act: the meeting that they are in, or the REST interface from outside. */
export interface Desk {
  moderate(act: DeskAct, participant?: string | null, minutes?: number): void;
  /** `null`: everybody who is invited. */
  call(users: string[] | null): void;
  /** `null`: everybody whom it rings at. */
  callOff(users: string[] | null): void;
  /** Empty: no PIN any more. */
  setPin(pin: string): void;
  /** Somebody who was removed, by the ID that the list of them has. */
  letBack(removed: string): void;
  setWaitingRoom(whom: RoomFacts['waiting_room']): void;
}
