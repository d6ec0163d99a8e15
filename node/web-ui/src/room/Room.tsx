import { useCallback, useEffect, useRef, useState } from 'react';
import { choices } from '../meeting/choices';
import { useLocal, useMeeting, useMeetingText, useVisit } from './context';
import { ControlBar } from './ControlBar';
import { Dialogs, type DialogName } from './Dialogs';
import { Notices } from './Notices';
import { Over } from './Over';
import { Panel, type PanelName } from './Panel';
import { RoomHead } from './RoomHead';
import { Sound } from './Sound';
import { Stage } from './Stage';
import classes from './Room.module.css';
import { useChatSeen } from './useChatSeen';
import { useFullScreen } from './useFullScreen';
import { useShortcuts } from './useShortcuts';

export interface RoomControls {
  panel: PanelName | null;
  togglePanel(panel: PanelName): void;
  open(dialog: DialogName): void;
  pinned: string | null;
  pin(participant: string): void;
  audioOnly: boolean;
  setAudioOnly(on: boolean): void;
  full: ReturnType<typeof useFullScreen>;
  unread: number;
}

/** A meeting as one sees it: people and content, one bar, one panel at a time. */
export function Room({ again }: { again: () => void }) {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { phase } = useMeeting();
  const over = phase === 'over';
  const root = useRef<HTMLDivElement>(null);
  const full = useFullScreen();
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const [pinned, setPinned] = useState<string | null>(null);
  const [audioOnly, setAudioOnly] = useState(false);
  const unread = useChatSeen(panel === 'chat');
  const pin = useCallback((id: string) => setPinned((now) => (now === id ? null : id)), []);
  const controls: RoomControls = {
    panel,
    togglePanel: (name) => setPanel(panel === name ? null : name),
    open: setDialog,
    pinned,
    pin,
    audioOnly,
    setAudioOnly,
    full,
    unread,
  };
  useShortcuts({ pin, help: () => setDialog('shortcuts') });
  useEffect(() => {
    // Lights of devices go off with the meeting.
    if (over) local.close();
  }, [over, local]);

  if (over) return <Over again={again} />;
  return (
    <div ref={root} className={classes.room} data-still={full.still || undefined}>
      <RoomHead />
      <div className={classes.middle}>
        <main className={classes.stage} aria-label={t('room.stage')}>
          <Stage controls={controls} />
          <Notices controls={controls} />
        </main>
        {panel && <Panel name={panel} close={() => setPanel(null)} controls={controls} />}
      </div>
      <ControlBar controls={controls} />
      <Dialogs name={dialog} close={() => setDialog(null)} />
      <Sound />
    </div>
  );
}

/** Own microphone as bar and shortcuts switch it. */
export function useOwnSwitches() {
  const { local, meeting } = useVisit();
  const state = useLocal(local);
  const { me, participants } = useMeeting();
  const mine = me ? participants.get(me) : undefined;
  const hand = mine?.hand !== null && mine !== undefined;
  return {
    ...state,
    hand,
    toggleMic() {
      choices.set({ micOn: state.muted });
      void local.setMuted(!state.muted);
    },
    toggleCamera() {
      choices.set({ cameraOn: !state.cameraOn });
      void local.setCamera(!state.cameraOn);
    },
    toggleHand: () => meeting.set({ hand: !hand }),
    toggleShare() {
      if (state.sharing) local.stopSharing();
      else void local.share();
    },
  };
}
