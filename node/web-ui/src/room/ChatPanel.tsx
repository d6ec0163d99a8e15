import { ActionIcon, Text, Textarea } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import i18n from '../i18n';
import type { ChatLine } from '../meeting/messages';
import { linked } from '../ui/linked';
import { exactTime } from '../ui/text';
import classes from './Chat.module.css';
import { useMeeting, useMeetingText, useVisit } from './context';
import { useMyself } from './useMyself';

const LONGEST = 4_000;
/** Lines of one person so close together have one head. */
const TOGETHER_MS = 120_000;

/** What people write to all. */
export function ChatPanel() {
  const { t } = useMeetingText();
  const { chat, me } = useMeeting();
  const { may } = useMyself();
  const list = useRef<HTMLDivElement>(null);
  const last = chat.at(-1)?.id;
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [last]);
  return (
    <div className={classes.chat}>
      {chat.length === 0 ? (
        <Text size="sm" c="dimmed" ta="center" m="auto" p="md">
          {t('chat.empty')}
        </Text>
      ) : (
        <div ref={list} className={classes.lines} role="log" aria-label={t('bar.chat')} tabIndex={0}>
          <ol>
            {chat.map((line, place) => (
              <Line key={line.id} line={line} mine={line.participant === me} before={chat[place - 1]} />
            ))}
          </ol>
        </div>
      )}
      {may.chat ? (
        <Write />
      ) : (
        <Text size="sm" c="dimmed" p="sm" role="status">
          {t('guests.noChat')}
        </Text>
      )}
    </div>
  );
}

function Line({ line, mine, before }: { line: ChatLine; mine: boolean; before?: ChatLine }) {
  const { t } = useMeetingText();
  const follows = before?.participant === line.participant && line.at - before.at < TOGETHER_MS;
  return (
    <li className={classes.line} data-mine={mine || undefined} data-follows={follows || undefined}>
      {!follows && (
        <div className={classes.head}>
          <b>{mine ? t('chat.you') : line.name}</b>
          <time dateTime={new Date(line.at).toISOString()} title={exactTime(line.at)}>
            {clock(line.at)}
          </time>
        </div>
      )}
      <div className={classes.text}>{linked(line.text)}</div>
    </li>
  );
}

function clock(at: number): string {
  return new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short' }).format(at);
}

function Write() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { phase } = useMeeting();
  const [text, setText] = useState('');
  const send = () => {
    const said = text.trim();
    if (!said) return;
    meeting.write(said);
    setText('');
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className={classes.write}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        aria-label={t('chat.write')}
        placeholder={t(phase === 'reconnecting' ? 'chat.waiting' : 'chat.write')}
        autosize
        minRows={1}
        maxRows={6}
        maxLength={LONGEST}
        data-autofocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={press}
        style={{ flex: 1 }}
      />
      <ActionIcon type="submit" size={36} aria-label={t('chat.send')} disabled={!text.trim()}>
        <IconSend size={18} aria-hidden />
      </ActionIcon>
    </form>
  );
}
