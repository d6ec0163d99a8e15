import { choices } from '../meeting/choices';
import { useLocal, useMeeting, useVisit } from './context';
import { useMyself } from './useMyself';

/** Own microphone, camera, screen and hand, as the bar and the shortcuts switch them. */
export function useOwnSwitches() {
  const { local, meeting } = useVisit();
  const state = useLocal(local);
  const { me, participants } = useMeeting();
  const mine = me ? participants.get(me) : undefined;
  const { may, shares } = useMyself();
  const hand = mine?.hand !== null && mine !== undefined;
  return {
    ...state,
    hand,
    may,
    shares,
    toggleMic() {
      if (!may.audio) return;
      choices.set({ micOn: state.muted });
      void local.setMuted(!state.muted);
    },
    toggleCamera() {
      if (!may.video) return;
      choices.set({ cameraOn: !state.cameraOn });
      void local.setCamera(!state.cameraOn);
    },
    toggleHand: () => meeting.set({ hand: !hand }),
    toggleShare() {
      if (state.sharing) local.stopSharing();
      else if (may.video && shares) void local.share();
    },
  };
}
