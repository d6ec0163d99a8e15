import { Anchor, Modal, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queries } from '../api/queries';
import type { DocumentHead } from '../api/types';
import { useClose } from '../ui/Confirm';
import { linked } from '../ui/linked';
import { ErrorState, Loading } from '../ui/States';

/** Opens a document: over the page, so that nobody loses what they have typed, or elsewhere in a new tab. */
export function DocumentLink({ document, size = 'sm' }: { document: DocumentHead; size?: 'xs' | 'sm' }) {
  const [opened, open] = useState(false);
  const close = useClose();
  if (document.link !== null) {
    return (
      <Anchor size={size} underline="always" href={document.link} target="_blank" rel="noopener noreferrer">
        {document.title}
      </Anchor>
    );
  }
  return (
    <>
      <Anchor component="button" type="button" size={size} underline="always" onClick={() => open(true)}>
        {document.title}
      </Anchor>
      <Modal
        opened={opened}
        onClose={() => open(false)}
        title={document.title}
        size="lg"
        closeButtonProps={close}
      >
        {opened && <Reading document={document} />}
      </Modal>
    </>
  );
}

function Reading({ document }: { document: DocumentHead }) {
  const whole = useQuery(queries.document(document.place, document.version));
  if (whole.error) return <ErrorState error={whole.error} retry={() => void whole.refetch()} />;
  if (!whole.data) return <Loading rows={4} height={24} />;
  return (
    <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
      {linked(whole.data.text ?? '')}
    </Text>
  );
}
