import type { InvitedPerson } from '../meeting/messages';
import { useMeeting } from './context';

/** How far an invitation of somebody to the podium is, if there is one that one hears of. */
export function useInvitation(participant: string): InvitedPerson['state'] | null {
  const { invitations } = useMeeting();
  return invitations.find((one) => one.participant === participant)?.state ?? null;
}
