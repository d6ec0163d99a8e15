import { useEffect, useRef, useState } from 'react';
import { useMeeting, useMeetingText, useVisit } from './context';
import { ControlBar } from './ControlBar';
import { Dialogs, warmDialogs, type DialogName } from './Dialogs';
import { MentionNews } from './MentionNews';
import { Notices } from './Notices';
import { Over } from './Over';
import { PinEntry } from './PinEntry';
import { PodiumInvitation } from './PodiumInvitation';
import { Panel, type PanelName } from './Panel';
import { RoomHead } from './RoomHead';
import { Sound } from './Sound';
import { Stage } from './Stage';
import type { RoomControls } from './controls';
import classes from './Room.module.css';
import { useCallNews } from './useCallOf';
import { useChatSeen } from './useChatSeen';
import { useFullScreen } from './useFullScreen';
import { useDenied } from './useDenied';
import { useInvitationNews } from './useInvitationNews';
import { useOwnPin } from './useOwnPin';
import { useShortcuts } from './useShortcuts';
import { useStarting } from './useStarting';
import { WaitingRoom } from './WaitingRoom';

/** Joining comes first. */
const WARM_MS = 3_000;

/** A meeting as one sees it: people and content, one bar, one panel at a time. */
export function Room({ again }: { again: () => void }) {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { phase } = useMeeting();
  const over = phase === 'over';
  const root = useRef<HTMLDivElement>(null);
  const full = useFullScreen();
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [dialog, setDialog] = useState<{ name: DialogName; about?: string } | null>(null);
  const { pinned, pin } = useOwnPin();
  const [chosen, choose] = useState<string | null>(null);
  const [audioOnly, setAudioOnly] = useState(false);
  const chat = useChatSeen(panel === 'chat');
  const controls: RoomControls = {
    panel,
    togglePanel: (name) => setPanel(panel === name ? null : name),
    open: (name, about) => setDialog({ name, about }),
    pinned,
    chosen,
    choose,
    pin,
    audioOnly,
    setAudioOnly,
    full,
    chat,
  };
  useCallNews();
  useDenied();
  useStarting();
  useInvitationNews();
  useShortcuts({ pin, help: () => setDialog({ name: 'shortcuts' }) });
  useEffect(() => {
    // Lights of devices go off with the meeting.
    if (over) local.close();
  }, [over, local]);

  useEffect(() => {
    const timer = setTimeout(warmDialogs, WARM_MS);
    return () => clearTimeout(timer);
  }, []);

  if (over) return <Over again={again} />;
  if (phase === 'pin') return <PinEntry />;
  if (phase === 'waiting') return <WaitingRoom />;
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
      <Dialogs
        name={dialog?.name ?? null}
        about={dialog?.about ?? null}
        controls={controls}
        close={() => setDialog(null)}
      />
      <PodiumInvitation />
      <MentionNews />
      <Sound />
    </div>
  );
}
