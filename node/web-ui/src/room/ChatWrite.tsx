import { ActionIcon, CloseButton, Text, Textarea } from '@mantine/core';
import { IconCheck, IconSend } from '@tabler/icons-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { mentioned, type Mentionable } from '../meeting/chat';
import type { ChatLine } from '../meeting/messages';
import classes from './Chat.module.css';
import { useMeeting, useMeetingText, useVisit } from './context';
import { MentionList, optionId, useMentions } from './MentionList';

const LONGEST = 4_000;

/** What one writes is about a line that is there. */
export interface Task {
  kind: 'answer' | 'edit';
  line: ChatLine;
}

export function Write({ task, focus, done }: { task: Task | null; focus: number; done: () => void }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { phase } = useMeeting();
  const edits = task?.kind === 'edit';
  const [text, setText] = useState(edits ? task.line.text : '');
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(new Map());
  const field = useRef<HTMLTextAreaElement>(null);
  const list = useMentions(text, field);
  useEffect(() => {
    if (!task && !focus) return;
    field.current?.focus();
    field.current?.setSelectionRange(-1, -1);
  }, [task, focus]);

  const send = () => {
    const said = text.trim();
    if (!said) return;
    const mentions = mentioned(said, chosen);
    if (edits) meeting.edit(task.line.id, said, mentions);
    else meeting.write({ text: said, mentions, reply_to: task?.line.id });
    setText('');
    setChosen(new Map());
    done();
  };
  const pick = (who: Mentionable) => {
    const { from, until } = list;
    const named = `@${who.name} `;
    setChosen(new Map([...chosen, [who.name, who.id]]));
    setText(text.slice(0, from) + named + text.slice(until));
    list.put(from + named.length);
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (list.press(event, pick)) return;
    if (event.key === 'Escape' && task) {
      event.stopPropagation();
      done();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form
      className={classes.write}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {task && <About task={task} done={done} />}
      <MentionList list={list} pick={pick} />
      <div className={classes.field}>
        <Textarea
          ref={field}
          aria-label={t(edits ? 'chat.editing' : 'chat.write')}
          placeholder={t(phase === 'reconnecting' ? 'chat.waiting' : 'chat.write')}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={list.open ? list.id : undefined}
          aria-activedescendant={list.open ? optionId(list.id, list.active) : undefined}
          autosize
          minRows={1}
          maxRows={6}
          maxLength={LONGEST}
          data-autofocus
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            if (!edits) meeting.writes();
            list.look();
          }}
          onSelect={list.look}
          onBlur={list.close}
          onKeyDown={press}
          style={{ flex: 1 }}
        />
        <ActionIcon
          type="submit"
          size={36}
          aria-label={t(edits ? 'chat.save' : 'chat.send')}
          disabled={!text.trim()}
        >
          {edits ? <IconCheck size={18} aria-hidden /> : <IconSend size={18} aria-hidden />}
        </ActionIcon>
      </div>
    </form>
  );
}

/** Which line it is about, and the way out. */
function About({ task, done }: { task: Task; done: () => void }) {
  const { t } = useMeetingText();
  const { kind, line } = task;
  return (
    <div className={classes.about}>
      <Text size="xs" truncate flex={1}>
        {kind === 'edit' ? t('chat.editing') : t('chat.answering', { name: line.name })}
        {kind === 'answer' && <span className={classes.aboutText}> {line.text}</span>}
      </Text>
      <CloseButton size="sm" aria-label={t('common:action.cancel')} onClick={done} />
    </div>
  );
}
