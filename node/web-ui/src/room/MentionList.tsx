import { VisuallyHidden } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useId, useState, type KeyboardEvent, type RefObject } from 'react';
import { mentionAt, mentionable, type Mentionable } from '../meeting/chat';
import { knowsAll } from '../meeting/state';
import classes from './Chat.module.css';
import { useMeeting, useMeetingText, useVisit } from './context';
import { Named } from './Named';

/** Those who are offered at once. */
const OFFERED = 8;
/** While somebody writes a name, before a node is asked for more people of that name. */
const WRITING_MS = 250;

export const optionId = (list: string, place: number) => `${list}-${place}`;

/** Who may be meant by what is written after an `@`, and how one chooses. */
export function useMentions(text: string, field: RefObject<HTMLTextAreaElement | null>) {
  const id = useId();
  const [caret, setCaret] = useState<number | null>(null);
  const [chosen, setActive] = useState({ find: '', place: 0 });
  const [moveTo, put] = useState<{ place: number } | null>(null);
  const at = caret === null ? null : mentionAt(text, caret);
  const people = useMentionable(at?.find ?? null);
  const active = chosen.find === at?.find ? Math.min(chosen.place, people.length - 1) : 0;
  const open = at !== null && people.length > 0;
  useEffect(() => {
    if (moveTo === null) return;
    field.current?.focus();
    field.current?.setSelectionRange(moveTo.place, moveTo.place);
  }, [moveTo, field]);
  const close = () => setCaret(null);
  return {
    id,
    people,
    active,
    open,
    from: at?.from ?? 0,
    until: caret ?? 0,
    close,
    /** The caret goes there once the text has changed. */
    put(place: number) {
      close();
      put({ place });
    },
    look() {
      const { current } = field;
      setCaret(current && current.selectionStart === current.selectionEnd ? current.selectionStart : null);
    },
    /** Gives whether the key was for the list. */
    press(event: KeyboardEvent, pick: (who: Mentionable) => void): boolean {
      if (!open) return false;
      const go = (step: number) =>
        setActive({ find: at.find, place: (active + step + people.length) % people.length });
      const who = people[active];
      if (event.key === 'ArrowDown') go(1);
      else if (event.key === 'ArrowUp') go(-1);
      else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey && who) pick(who);
      else if (event.key === 'Escape') close();
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}

/** Of many people only some are known by name: the node is asked for the others. */
function useMentionable(find: string | null): Mentionable[] {
  const { meeting } = useVisit();
  const { participants, counts, listed, me } = useMeeting();
  const asks = find !== null && find !== '' && !knowsAll({ participants, counts });
  const [asked] = useDebouncedValue(asks ? find : null, WRITING_MS);
  useEffect(() => {
    if (asked !== null) meeting.list(asked, 0);
  }, [meeting, asked]);
  if (find === null) return [];
  const more = asks && listed ? listed.participants : [];
  return mentionable([...participants.values(), ...more], me, find).slice(0, OFFERED);
}

export function MentionList({
  list,
  pick,
}: {
  list: ReturnType<typeof useMentions>;
  pick: (who: Mentionable) => void;
}) {
  const { t } = useMeetingText();
  return (
    <>
      <VisuallyHidden role="status">
        {list.open && t('chat.mentionFound', { count: list.people.length })}
      </VisuallyHidden>
      {list.open && (
        <ul id={list.id} className={classes.mentions} role="listbox" aria-label={t('chat.mention')}>
          {list.people.map((who, place) => (
            <li
              key={who.id}
              id={optionId(list.id, place)}
              role="option"
              aria-selected={place === list.active}
              // The field keeps the focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => pick(who)}
            >
              <Named name={who.name} user={who.user ?? who.name} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
