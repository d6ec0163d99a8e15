import { useQueryClient } from '@tanstack/react-query';
import { calls } from '../api/calls';
import type { Conference } from '../api/types';
import type { Desk } from '../room/desk';
import { tellProblem } from '../ui/notify';

/** Moderates a conference that one is not in. */
export function useDesk({ cid }: Conference): Desk {
  const cache = useQueryClient();
  const work = (doing: Promise<unknown>) =>
    void doing.catch(tellProblem).then(() => cache.invalidateQueries({ queryKey: ['conferences'] }));
  const callOff = async (users: string[]) => {
    for (const user of users) await calls.callPersonOff(cid, user);
  };
  return {
    moderate: (act, participant = null, minutes) =>
      work(calls.moderate(cid, { act, participant: participant ?? undefined, minutes })),
    call: (users) => work(calls.callPeople(cid, users === null ? { invited: true } : { users })),
    callOff: (users) => work(users === null ? calls.callPeopleOff(cid) : callOff(users)),
    letBack: (removed) => work(calls.letBack(cid, removed)),
    setPin: (pin) => work(calls.moderate(cid, { act: 'set_pin', pin })),
    setWaitingRoom: (waiting_room) => work(calls.moderate(cid, { act: 'set_waiting_room', waiting_room })),
  };
}
