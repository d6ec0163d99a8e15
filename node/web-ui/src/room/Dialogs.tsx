import { Modal } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useClose } from '../ui/Confirm';
import { Loading } from '../ui/States';
import { useMeetingText } from './context';

const Invite = lazy(() => import('./Invite').then((file) => ({ default: file.Invite })));
const Details = lazy(() => import('./Details').then((file) => ({ default: file.Details })));
const Shortcuts = lazy(() => import('./Shortcuts').then((file) => ({ default: file.Shortcuts })));

export type DialogName = 'invite' | 'details' | 'shortcuts';

const titles = {
  invite: 'more.invite',
  details: 'more.details',
  shortcuts: 'more.shortcuts',
} as const;

/** What opens over the room; the meeting goes on behind it. */
export function Dialogs({ name, close }: { name: DialogName | null; close: () => void }) {
  const { t } = useMeetingText();
  return (
    <Modal
      opened={name !== null}
      onClose={close}
      title={name ? t(titles[name]) : ''}
      size={name === 'details' ? 'xl' : 'md'}
      closeButtonProps={useClose()}
    >
      <Suspense fallback={<Loading />}>
        {name === 'invite' && <Invite />}
        {name === 'details' && <Details />}
        {name === 'shortcuts' && <Shortcuts />}
      </Suspense>
    </Modal>
  );
}
