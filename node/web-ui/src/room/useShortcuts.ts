import { useEffect, useEffectEvent } from 'react';
import { choices } from '../meeting/choices';
import { inOrderOfComing } from '../meeting/state';
import { useMeeting, useVisit } from './context';
import { useOwnSwitches } from './useOwnSwitches';

interface Acts {
  pin: (participant: string) => void;
  help: () => void;
}

const TYPING = 'input, textarea, select, [contenteditable=true], [role=dialog], [role=menu], [role=listbox]';

/** Keys of the room. Never while one types, in a dialog or a menu; they can be switched off. */
export function useShortcuts({ pin, help }: Acts) {
  const { local } = useVisit();
  const { participants, me } = useMeeting();
  const own = useOwnSwitches();

  /** Space presses the button that the keyboard is at; else it opens the microphone for as long as it is held. */
  const talk = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement | null)?.matches?.('button:focus-visible, a:focus-visible')) return;
    event.preventDefault();
    if (event.repeat || !own.muted || !own.may.audio) return;
    void local.setMuted(false);
    const stop = (up: KeyboardEvent | FocusEvent) => {
      if ('code' in up && up.code !== 'Space') return;
      up.preventDefault();
      window.removeEventListener('keyup', stop, true);
      window.removeEventListener('blur', stop);
      void local.setMuted(true);
    };
    window.addEventListener('keyup', stop, true);
    window.addEventListener('blur', stop);
  };

  const press = useEffectEvent((event: KeyboardEvent) => {
    const target = event.target as HTMLElement | null;
    if (!choices.current().shortcuts || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target?.closest?.(TYPING)) return;
    if (event.code === 'Space') return talk(event);
    if (event.repeat) return;
    const key = event.key.toLowerCase();
    if (key === 'm') own.toggleMic();
    else if (key === 'v') own.toggleCamera();
    else if (key === 'h') own.toggleHand();
    else if (key === '?') help();
    else if (/^[1-9]$/.test(key)) {
      const others = inOrderOfComing(participants.values()).filter((one) => one.id !== me);
      const chosen = others[Number(key) - 1];
      if (chosen) pin(chosen.id);
    }
  });

  useEffect(() => {
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}
