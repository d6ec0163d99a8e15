import { Modal } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useClose } from '../ui/Confirm';
import { Loading } from '../ui/States';
import { useMeeting, useMeetingText } from './context';
import type { RoomControls } from './controls';

const load = {
  start: () => import('./Start').then((file) => ({ default: file.Start })),
  invite: () => import('./Invite').then((file) => ({ default: file.Invite })),
  details: () => import('./Details').then((file) => ({ default: file.Details })),
  shortcuts: () => import('./Shortcuts').then((file) => ({ default: file.Shortcuts })),
  layOut: () => import('./LayOut').then((file) => ({ default: file.LayOut })),
  entryRules: () => import('./EntryRules').then((file) => ({ default: file.EntryRules })),
  changeId: () => import('./ChangeId').then((file) => ({ default: file.ChangeId })),
  extend: () => import('./Extend').then((file) => ({ default: file.Extend })),
};
const Start = lazy(load.start);
const Invite = lazy(load.invite);
const Details = lazy(load.details);
const Shortcuts = lazy(load.shortcuts);
const LayOut = lazy(load.layOut);
const EntryRules = lazy(load.entryRules);
const ChangeId = lazy(load.changeId);
const Extend = lazy(load.extend);

/** A meeting outlives the node that gave the page: nothing of it may have to be asked for there later. */
export function warmDialogs() {
  for (const one of Object.values(load)) void one().catch(() => undefined);
}

export type DialogName = keyof typeof load;

interface Props {
  name: DialogName | null;
  /** Whom it is about, if anybody. */
  about: string | null;
  controls: RoomControls;
  close: () => void;
}

/** What opens over the room; the meeting goes on behind it. */
export function Dialogs({ name, about, controls, close }: Props) {
  const { t } = useMeetingText();
  const { participants } = useMeeting();
  const person = about === null ? undefined : participants.get(about);
  const titles: Record<DialogName, string> = {
    start: t('start.title'),
    invite: t('more.invite'),
    details: t('more.details'),
    shortcuts: t('more.shortcuts'),
    layOut: person ? t('layOut.titleOf', { name: person.name }) : t('layOut.title'),
    entryRules: t('entryRules.title'),
    changeId: t('changeId.title'),
    extend: t('extend.title'),
  };
  return (
    <Modal
      opened={name !== null}
      onClose={close}
      title={name === null ? '' : titles[name]}
      size={name === 'details' ? 'xl' : 'md'}
      closeButtonProps={useClose()}
    >
      <Suspense fallback={<Loading />}>
        {name === 'start' && <Start done={close} />}
        {name === 'invite' && <Invite done={close} />}
        {name === 'details' && <Details />}
        {name === 'shortcuts' && <Shortcuts />}
        {name === 'entryRules' && <EntryRules controls={controls} />}
        {name === 'changeId' && <ChangeId done={close} />}
        {name === 'extend' && <Extend done={close} />}
        {name === 'layOut' && <LayOut about={about} close={close} />}
      </Suspense>
    </Modal>
  );
}
