import { useDocumentVisibility } from '@mantine/hooks';
import { useEffect } from 'react';
import { useVisit } from './context';

/** Who looks at the chat has read it up to its last line. */
export function useRead(last: string | undefined) {
  const { meeting } = useVisit();
  const visible = useDocumentVisibility() === 'visible';
  useEffect(() => {
    if (visible && last) meeting.read(last);
  }, [visible, last, meeting]);
}
