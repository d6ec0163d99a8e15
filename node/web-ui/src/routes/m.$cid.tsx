import { createFileRoute } from '@tanstack/react-router';
import { MeetingPage } from '../room/MeetingPage';

/** Outside of the frame of the other pages: a meeting has the whole screen, and guests are not signed in. */
export const Route = createFileRoute('/m/$cid')({
  // `now`: straight in, as to a call.
  validateSearch: (search: Record<string, unknown>): { now?: true } => (search.now ? { now: true } : {}),
  component: MeetingPage,
});
