import { choices } from '../meeting/choices';
import { useLocal, useMeeting, useVisit } from './context';

/** Own microphone, camera, screen and hand, as the bar and the shortcuts switch them. */
export function useOwnSwitches() {
  const { local, meeting } = useVisit();
  const state = useLocal(local);
  const { me, participants } = useMeeting();
  const mine = me ? participants.get(me) : undefined;
  const hand = mine?.hand !== null && mine !== undefined;
  return {
    ...state,
    hand,
    toggleMic() {
      choices.set({ micOn: state.muted });
      void local.setMuted(!state.muted);
    },
    toggleCamera() {
      choices.set({ cameraOn: !state.cameraOn });
      void local.setCamera(!state.cameraOn);
    },
    toggleHand: () => meeting.set({ hand: !hand }),
    toggleShare() {
      if (state.sharing) local.stopSharing();
      else void local.share();
    },
  };
}
