import type { DialogName } from './Dialogs';
import type { PanelName } from './Panel';
import type { ChatSeen } from './useChatSeen';
import type { useFullScreen } from './useFullScreen';

/** What parts of the room may change about its looks. */
export interface RoomControls {
  panel: PanelName | null;
  togglePanel(panel: PanelName): void;
  /** `about`: whom it is about, by their place in the meeting. */
  open(dialog: DialogName, about?: string): void;
  pinned: string | null;
  /** The suggested layout that one has chosen otherwise after, as text. */
  chosen: string | null;
  choose(instead: string | null): void;
  pin(participant: string): void;
  audioOnly: boolean;
  setAudioOnly(on: boolean): void;
  full: ReturnType<typeof useFullScreen>;
  chat: ChatSeen;
}
