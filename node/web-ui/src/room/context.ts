import { createContext, useContext, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { choices, type Choices } from '../meeting/choices';
import type { LocalState } from '../meeting/local';
import type { Local } from '../meeting/local';
import type { MeetingState } from '../meeting/state';
import type { Visit } from './enter';

export const VisitContext = createContext<Visit | null>(null);

export function useVisit(): Visit {
  return useContext(VisitContext)!;
}

export function useMeeting(): MeetingState {
  const { meeting } = useVisit();
  return useSyncExternalStore(meeting.subscribe, meeting.current);
}

export function useLocal(local: Local): LocalState {
  return useSyncExternalStore(local.subscribe, local.current);
}

export function useChoices(): Choices {
  return useSyncExternalStore(choices.subscribe, choices.current);
}

/** `t` of the meeting's texts, which also finds the common ones. */
export function useMeetingText() {
  return useTranslation(['meeting', 'common']);
}
