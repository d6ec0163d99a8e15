import { useEffect } from 'react';
import { tellRefused } from '../ui/notify';
import { useMeeting } from './context';
import { deniedText } from './refusedText';

/** Why something that a moderator wanted was not done. */
export function useDenied() {
  const { denied } = useMeeting();
  useEffect(() => {
    if (denied.count > 0) tellRefused(deniedText(denied));
  }, [denied]);
}
