import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import { useClose } from './Confirm';

/** A side sheet over a list; its address is that of what it shows. */
export function Sheet({
  title,
  close,
  children,
}: {
  title: ReactNode;
  close: () => void;
  children: ReactNode;
}) {
  return (
    <Drawer
      opened
      // The key that closes a dialog over the sheet is heard here, too.
      onClose={() => isCovered() || close()}
      position="right"
      size="min(640px, 100vw)"
      title={title}
      closeButtonProps={useClose()}
      styles={{ header: { gap: 12 }, title: { minWidth: 0, flex: 1 }, body: { paddingBottom: 24 } }}
    >
      {children}
    </Drawer>
  );
}

const isCovered = () => document.querySelectorAll('[role="dialog"][aria-modal="true"]').length > 1;
