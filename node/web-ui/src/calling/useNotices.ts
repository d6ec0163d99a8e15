import { useSyncExternalStore } from 'react';
import { notices } from './notices';

/** Whether this browser tells of calls, and whether that is worth offering. */
export function useNotices() {
  const state = useSyncExternalStore(notices.subscribe, notices.state);
  const offered = useSyncExternalStore(notices.subscribe, notices.isOffered);
  return { state, offered };
}
