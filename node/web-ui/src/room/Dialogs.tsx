import { Modal } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useClose } from '../ui/Confirm';
import { Loading } from '../ui/States';
import { useMeeting, useMeetingText } from './context';

const load = {
  start: () => import('./Start').then((file) => ({ default: file.Start })),
  invite: () => import('./Invite').then((file) => ({ default: file.Invite })),
  details: () => import('./Details').then((file) => ({ default: file.Details })),
  shortcuts: () => import('./Shortcuts').then((file) => ({ default: file.Shortcuts })),
  layOut: () => import('./LayOut').then((file) => ({ default: file.LayOut })),
  changeId: () => import('./ChangeId').then((file) => ({ default: file.ChangeId })),
};
const Start = lazy(load.start);
const Invite = lazy(load.invite);
const Details = lazy(load.details);
const Shortcuts = lazy(load.shortcuts);
const LayOut = lazy(load.layOut);
const ChangeId = lazy(load.changeId);

/** A meeting outlives the node that gave the page: nothing of it may have to be asked for there later. */
export function warmDialogs() {
  for (const one of Object.values(load)) void one().catch(() => undefined);
}

export type DialogName = 'start' | 'invite' | 'details' | 'shortcuts' | 'layOut' | 'changeId';

const titles = {
  invite: 'more.invite',
  details: 'more.details',
  shortcuts: 'more.shortcuts',
} as const;

interface Props {
  name: DialogName | null;
  /** Whom it is about, if anybody. */
  about: string | null;
  close: () => void;
}

/** What opens over the room; the meeting goes on behind it. */
export function Dialogs({ name, about, close }: Props) {
  const { t } = useMeetingText();
  const { participants } = useMeeting();
  const person = about === null ? undefined : participants.get(about);
  const titleOf = (of: DialogName | null) => {
    if (of === null) return '';
    if (of === 'changeId') return t('changeId.title');
    if (of === 'layOut' && person) return t('layOut.titleOf', { name: person.name });
    return of === 'layOut' ? t('layOut.title') : of === 'start' ? t('start.title') : t(titles[of]);
  };
  return (
    <Modal
      opened={name !== null}
      onClose={close}
      title={titleOf(name)}
      size={name === 'details' ? 'xl' : 'md'}
      closeButtonProps={useClose()}
    >
      <Suspense fallback={<Loading />}>
        {name === 'start' && <Start done={close} />}
        {name === 'invite' && <Invite done={close} />}
        {name === 'details' && <Details />}
        {name === 'shortcuts' && <Shortcuts />}
        {name === 'changeId' && <ChangeId done={close} />}
        {name === 'layOut' && <LayOut about={about} close={close} />}
      </Suspense>
    </Modal>
  );
}
