import { Alert, Anchor, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconAlertTriangle, IconDoorEnter } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState, type FormEvent } from 'react';
import { calls } from '../api/calls';
import { asProblem } from '../api/problem';
import type { AgreedDocument, DocumentHead } from '../api/types';
import { Agreement } from '../guest/Agreement';
import { useAgreement } from '../guest/useAgreement';
import { problemText } from '../ui/text';
import { BeginsLater } from './BeginsLater';
import { choices } from '../meeting/choices';
import type { Local } from '../meeting/local';
import { passes } from '../meeting/seat';
import { useChoices, useLocal, useMeetingText } from './context';
import { DeviceChoices } from './DeviceChoices';
import { DeviceHelp } from './DeviceHelp';
import { Description } from './Description';
import { EntryFrame } from './EntryFrame';
import type { Entry } from './enter';
import { Preview } from './Preview';
import classes from './PreJoin.module.css';
import type { Door } from './useDoor';
import { Where } from './Where';

interface Props {
  cid: string;
  door: Extract<Door, { state: 'account' | 'guest' }>;
  local: Local;
  entry: Entry;
  join: (name: string, guest: boolean, agreed: AgreedDocument[]) => Promise<void>;
  /** Pressed before it begins: one comes in by oneself then. */
  armed: boolean;
  arm: (armed: boolean) => void;
  /** As whom a guest has registered: that is what others call them. */
  registered: string | null;
  /** What a guest is asked to agree to, and has not yet. */
  documents: DocumentHead[];
  /** The registration was not good any more. */
  refused: () => Promise<void>;
}

/** What the door says to those whose registration is not good, or who need one. */
const LINK = [
  'link-not-valid',
  'not-registered',
  'registration-closed',
  'registration-full',
  'registration-not-open',
];

/** The page and the picture of oneself come first. */
const AHEAD_MS = 500;
/** Then the network may be another one. */
const AHEAD_AGAIN_MS = 60_000;

/** Connections are prepared while people look at themselves. */
function useAhead(entry: Entry, on: boolean) {
  useEffect(() => {
    if (!on) return;
    const soon = setTimeout(() => entry.ahead(), AHEAD_MS);
    const again = setInterval(() => entry.ahead(), AHEAD_AGAIN_MS);
    return () => {
      clearTimeout(soon);
      clearInterval(again);
    };
  }, [entry, on]);
}

/** How one looks and sounds before others see it. */
export function PreJoin({
  cid,
  door,
  local,
  entry,
  join,
  armed,
  arm,
  registered,
  documents,
  refused,
}: Props) {
  const { t } = useMeetingText();
  const guest = door.state === 'guest';
  const choice = useChoices();
  const state = useLocal(local);
  const [name, setName] = useState(choice.name);
  const [missing, setMissing] = useState(false);
  const [kept, setKept] = useState(() => (guest ? passes.kept(cid) : null));
  const field = useRef<HTMLInputElement>(null);
  const agreement = useAgreement(documents);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const shown = guest ? (registered ?? name.trim()) : door.name;
  const { begins } = door;

  const come = useCallback(async () => {
    arm(false);
    setBusy(true);
    setFailed(null);
    if (guest && registered === null) choices.set({ name: shown });
    try {
      await join(shown, guest, agreement.agreed());
    } catch (error) {
      if (asProblem(error).code === 'not-agreed') await agreement.changed();
      if (LINK.includes(asProblem(error).code)) return void refused();
      setFailed(error);
      setBusy(false);
    }
  }, [agreement, arm, guest, join, refused, registered, shown]);
  useAhead(entry, begins === null && state.micProblem !== 'unsupported');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMissing(guest && !shown);
    if (!agreement.check() || (guest && !shown)) return;
    if (begins) arm(!armed);
    else void come();
  };
  const beAnother = () => {
    // Where the server cannot be reached, it forgets the guest by itself after a while.
    if (kept?.key) void calls.forgetGuest(cid, kept.key).catch(() => undefined);
    passes.forget(cid);
    choices.set({ name: '' });
    setKept(null);
    setName('');
    field.current?.focus();
  };
  const due = armed && begins === null;
  useEffect(() => {
    if (!due) return;
    const soon = setTimeout(() => void come());
    return () => clearTimeout(soon);
  }, [due, come]);
  return (
    <EntryFrame>
      <form className={classes.entry} noValidate onSubmit={submit}>
        <Preview local={local} name={shown || t('entry.you')} />
        <Stack gap="md" className={classes.choices}>
          <div>
            <Title order={1} className={classes.room}>
              {door.room}
            </Title>
            <Text size="sm" c="dimmed">
              {guest && registered === null ? t('entry.asGuest', { cid }) : t('entry.as', { name: shown })}
            </Text>
          </div>
          <Where place={door.place} />
          <Description text={door.description} />
          {guest && registered === null && (
            <TextInput
              ref={field}
              label={t('entry.name')}
              description={t('entry.nameHint')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              size="md"
              maxLength={128}
              autoComplete="name"
              value={name}
              error={missing && t('entry.nameMissing')}
              onChange={(event) => {
                setName(event.currentTarget.value);
                setMissing(false);
              }}
            />
          )}
          {guest && registered === null && kept && (
            <Group gap="xs" justify="space-between">
              <Text size="sm" c="dimmed" flex={1}>
                {t('entry.knownGuest', { name: kept.name })}
              </Text>
              <Button size="compact-sm" variant="default" onClick={beAnother}>
                {t('entry.somebodyElse')}
              </Button>
            </Group>
          )}
          <DeviceHelp micProblem={state.micProblem} cameraProblem={state.cameraProblem} local={local} />
          <DeviceChoices local={local} />
          {guest && !(door.rights.audio && door.rights.video) && (
            <Text size="sm" role="status">
              {t(
                door.rights.audio
                  ? 'guests.watchSilently'
                  : door.rights.video
                    ? 'guests.listenOnly'
                    : 'guests.watchOnly',
              )}
            </Text>
          )}
          <Agreement agreement={agreement} />
          {begins && <BeginsLater cid={cid} guest={guest} begins={begins} armed={armed} />}
          {failed !== null && (
            <Alert color="red" icon={<IconAlertTriangle />} role="alert">
              {problemText(failed)}
            </Alert>
          )}
          <Button
            type="submit"
            size="md"
            loading={busy}
            disabled={state.micProblem === 'unsupported'}
            variant={armed ? 'default' : undefined}
            leftSection={<IconDoorEnter size={20} aria-hidden />}
          >
            {begins ? (armed ? t('begins.notNow') : t('begins.join')) : t('entry.join')}
          </Button>
          {guest && (
            <Text size="sm" ta="center">
              <Anchor
                inherit
                underline="always"
                renderRoot={(props) => <Link to="/" search={{ next: `/m/${cid}` }} {...props} />}
              >
                {t('entry.signIn')}
              </Anchor>
            </Text>
          )}
        </Stack>
      </form>
    </EntryFrame>
  );
}
