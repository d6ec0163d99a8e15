import { choices, type Choices } from '../meeting/choices';
import type { SlotRule } from '../meeting/messages';
import { useChoices, useMeeting } from './context';
import type { RoomControls } from './controls';
import { useMyself } from './useMyself';

const noSlots: readonly SlotRule[] = [];

/**
 * How pictures are arranged here: as one likes; as a moderator suggests until one chooses; or as one has locked it. What was
 * sent to oneself alone comes before what everybody gets.
 */
export function useView({ pinned, chosen, choose }: Pick<RoomControls, 'pinned' | 'chosen' | 'choose'>) {
  const { view } = useChoices();
  const { room, ownLayout } = useMeeting();
  const { moderates } = useMyself();
  const layout = ownLayout ?? room.layout;
  const locked = layout?.locked === true && !moderates;
  const told = layout && (locked || chosen !== JSON.stringify(layout)) ? layout : null;
  return {
    view: told?.arrangement ?? view,
    pinned: told?.pinned ?? pinned,
    locked,
    /** It was sent to nobody else. */
    own: ownLayout !== null,
    slots: told?.slots ?? noSlots,
    shuffleS: told?.shuffle_s ?? null,
    named: !told?.names_hidden,
    setView(next: Choices['view']) {
      choices.set({ view: next });
      choose(layout ? JSON.stringify(layout) : null);
    },
  };
}
