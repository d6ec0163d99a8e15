import { Button, Loader } from '@mantine/core';
import {
  IconAccessPoint,
  IconAlertTriangle,
  IconHeadphones,
  IconEar,
  IconHourglass,
  IconLink,
  IconMicrophoneOff,
  IconPhoneOutgoing,
  IconUserPlus,
  IconUsers,
} from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { ring } from '../calling/ring';
import { waitingIn } from '../meeting/state';
import { groupedCid } from '../ui/cid';
import { useChoices, useLocal, useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import classes from './Room.module.css';
import { useCallOf } from './useCallOf';
import { useExpectedSoon } from './useExpected';
import { useLeft } from './useLeft';
import { useMyself } from './useMyself';
import { useSpeakingMuted } from './useSpeakingMuted';

/** Words at the moment they help. */
export function Notices({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { phase, counts, quality, mediaBroken, room } = useMeeting();
  const alone = phase === 'in' && counts.inside + counts.waiting === 1;
  const { mic, muted, micProblem, cameraProblem } = useLocal(local);
  const { shortcuts } = useChoices();
  const { may } = useMyself();
  const speakingMuted = useSpeakingMuted(mic, muted) && may.audio;
  const weak = [...quality.values()].some((slot) => slot.reason === 'bandwidth' && slot.layer === null);
  return (
    <div className={classes.notices} role="status">
      {phase === 'reconnecting' && (
        <Notice tone="warn" icon={<Loader size={16} color="dark.8" aria-hidden />}>
          {t('notice.reconnecting')}
        </Notice>
      )}
      {phase === 'in' && mediaBroken && (
        <Notice tone="warn" icon={<IconAlertTriangle size={18} aria-hidden />}>
          {t('notice.noMedia')}
        </Notice>
      )}
      {phase === 'in' && weak && !controls.audioOnly && (
        <Notice icon={<IconAccessPoint size={18} aria-hidden />}>{t('notice.weak')}</Notice>
      )}
      {speakingMuted && (
        <Notice icon={<IconMicrophoneOff size={18} aria-hidden />}>
          {t(shortcuts ? 'notice.muted' : 'notice.mutedPlain')}
        </Notice>
      )}
      {controls.audioOnly && (
        <Notice icon={<IconHeadphones size={18} aria-hidden />}>
          {t('notice.audioOnly')}
          <Button size="compact-sm" variant="white" color="dark" onClick={() => controls.setAudioOnly(false)}>
            {t('notice.showPictures')}
          </Button>
        </Notice>
      )}
      <Renamed />
      <Asked />
      <Waits controls={controls} />
      <Listens />
      <Barred />
      <NotOpen controls={controls} />
      <EndsSoon />
      {alone && room.call && <Calling />}
      {alone && !room.call && (
        <Notice icon={<IconUsers size={18} aria-hidden />}>
          {t('room.alone')}
          <Button
            size="xs"
            leftSection={<IconUserPlus size={16} aria-hidden />}
            onClick={() => controls.open('invite')}
          >
            {t('more.invite')}
          </Button>
        </Notice>
      )}
      {micProblem && !muted && (
        <Notice tone="warn" icon={<IconAlertTriangle size={18} aria-hidden />}>
          {t(`help.mic.${micProblem}`)}
        </Notice>
      )}
      {cameraProblem === 'busy' && (
        <Notice tone="warn" icon={<IconAlertTriangle size={18} aria-hidden />}>
          {t('help.camera.busy')}
        </Notice>
      )}
    </div>
  );
}

/** Whoever calls hears that it rings. */
function Calling() {
  const { t } = useMeetingText();
  const call = useCallOf();
  const rings = call?.state === 'ringing';
  useEffect(() => (rings ? ring('outgoing') : undefined), [rings]);
  if (!call) return null;
  const name = call.with.display_name;
  return (
    <Notice icon={<IconPhoneOutgoing size={18} aria-hidden />}>
      {t(rings ? 'call.calling' : 'call.waits', { name })}
    </Notice>
  );
}

/** A moderator asks to be heard. */
function Asked() {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { room } = useMeeting();
  const { mine, onPodium } = useMyself();
  const [answered, answer] = useState<number | null>(null);
  const asked = mine?.asked ?? null;
  if (asked === null || asked === answered || !mine?.muted) return null;
  return (
    <Notice icon={<IconMicrophoneOff size={18} aria-hidden />}>
      {t(room.mode === 'lecture' && onPodium ? 'lecture.yours' : 'notice.asked')}
      <Button size="compact-sm" style={{ flexShrink: 0 }} onClick={() => void local.setMuted(false)}>
        {t('bar.unmute')}
      </Button>
      <Button
        size="compact-sm"
        variant="subtle"
        color="gray.3"
        style={{ flexShrink: 0 }}
        onClick={() => answer(asked)}
      >
        {t('notice.notNow')}
      </Button>
    </Notice>
  );
}

/** People find the conference by another ID: what one has told others leads nowhere any more. */
function Renamed() {
  const { t } = useMeetingText();
  const { room } = useMeeting();
  const [seen, see] = useState(room.cid);
  if (room.cid === seen) return null;
  return (
    <Notice icon={<IconLink size={18} aria-hidden />}>
      {t('room.renamed', { cid: groupedCid(room.cid).replaceAll(' ', '\u00a0') })}
      <Button
        size="compact-sm"
        variant="white"
        color="dark"
        style={{ flexShrink: 0 }}
        onClick={() => see(room.cid)}
      >
        {t('common:action.close')}
      </Button>
    </Notice>
  );
}

/** Somebody stands at the door. */
function Waits({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { participants, counts } = useMeeting();
  const first = waitingIn(participants)[0];
  if (!first || controls.panel === 'people') return null;
  return (
    <Notice icon={<IconHourglass size={18} aria-hidden />}>
      {counts.waiting === 1
        ? t('waiting.one', { name: first.name })
        : t('waiting.list', { count: counts.waiting })}
      {counts.waiting === 1 && (
        <Button size="compact-sm" onClick={() => meeting.moderate('admit', first.id)}>
          {t('act.letIn')}
        </Button>
      )}
      <Button size="compact-sm" variant="white" color="dark" onClick={() => controls.togglePanel('people')}>
        {t('waiting.show')}
      </Button>
    </Notice>
  );
}

/** Why nobody hears what one says, or sees what one shares. */
function Listens() {
  const { t } = useMeetingText();
  const { muted, content } = useLocal(useVisit().local);
  const { room } = useMeeting();
  const { mine, moderates, listens } = useMyself();
  // Moderators ask nobody.
  const takes = moderates && room.mode === 'role_based';
  if (!listens || (muted && !content)) return null;
  return (
    <Notice icon={<IconEar size={18} aria-hidden />}>
      {t(
        content
          ? 'podium.notShown'
          : mine?.hand !== null
            ? 'podium.asked'
            : takes
              ? 'podium.mayTake'
              : 'podium.listening',
      )}
    </Notice>
  );
}

/** What guests may not do here: off by the settings, so that nobody looks for what is broken. */
function Barred() {
  const { t } = useMeetingText();
  const { local } = useVisit();
  const { muted, cameraOn } = useLocal(local);
  const { may } = useMyself();
  const heard = may.audio || muted;
  const seen = may.video || !cameraOn;
  // What does not flow is off: the device's light says so too.
  useEffect(() => {
    if (!heard) void local.setMuted(true);
    if (!seen) void local.setCamera(false);
  }, [heard, seen, local]);
  if (may.audio && may.video) return null;
  return (
    <Notice icon={<IconEar size={18} aria-hidden />}>
      {t(may.audio ? 'guests.watchSilently' : may.video ? 'guests.listenOnly' : 'guests.watchOnly')}
    </Notice>
  );
}

const WARN_MS = 10 * 60_000;

/** Others cannot come in yet, and whoever is here may let the meeting begin. */
function NotOpen({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room, phase } = useMeeting();
  const { moderates: mayModerate } = useMyself();
  const { expected, loading } = useExpectedSoon();
  if (phase !== 'in' || room.open || !mayModerate) return null;
  // Who is expected may be called: nothing begins before it is known who that is.
  const start = () => (expected.length > 0 ? controls.open('start') : meeting.moderate('start'));
  return (
    <Notice icon={<IconHourglass size={18} aria-hidden />}>
      {t('notice.notOpen')}
      <Button size="compact-sm" variant="white" color="dark" loading={loading} onClick={start}>
        {t('notice.start')}
      </Button>
    </Notice>
  );
}

const EXTENSION_MINUTES = 15;

/** The end is near, so that nobody is surprised by it. */
function EndsSoon() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { moderates: mayModerate } = useMyself();
  const { room, phase } = useMeeting();
  const left = useLeft(room.ends_at);
  if (phase !== 'in' || left === null || left > WARN_MS) return null;
  return (
    <Notice icon={<IconHourglass size={18} aria-hidden />}>
      {t('notice.endsSoon', { count: Math.max(1, Math.ceil(left / 60_000)) })}
      {mayModerate && room.planned && (
        <Button
          size="compact-sm"
          variant="white"
          color="dark"
          onClick={() => meeting.moderate('extend', undefined, EXTENSION_MINUTES)}
        >
          {t('notice.extend')}
        </Button>
      )}
    </Notice>
  );
}

function Notice({ tone, icon, children }: { tone?: 'warn'; icon: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.notice} data-tone={tone}>
      {icon}
      {children}
    </div>
  );
}
