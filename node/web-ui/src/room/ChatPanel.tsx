import { Button, Text } from '@mantine/core';
import { Fragment, useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { beginsRun, isMine, readersOf, sameRun, withNames } from '../meeting/chat';
import type { ChatLine } from '../meeting/messages';
import { Confirm } from '../ui/Confirm';
import classes from './Chat.module.css';
import { Line, lineId } from './ChatLine';
import { ChatSearch } from './ChatSearch';
import { Write, type Task } from './ChatWrite';
import { useMeeting, useMeetingText, useVisit } from './context';
import { dayOf } from '../ui/text';
import { Typing } from './Typing';
import { Unseen } from './UnseenLine';
import { useChatSearch, type ChatSearching } from './useChatSearch';
import type { ChatSeen } from './useChatSeen';
import { useMyself } from './useMyself';
import { useRead } from './useRead';

interface Props {
  divider: ChatSeen['divider'];
  searching: boolean;
  endSearch: () => void;
}

/** What people write to all. */
export function ChatPanel({ divider, searching, endSearch }: Props) {
  const { t } = useMeetingText();
  const { chat, sending } = useMeeting();
  const { silent } = useMyself();
  const [task, setTask] = useState<Task | null>(null);
  // Who has changed a message, or not after all, goes on writing.
  const [back, comeBack] = useReducer((times: number) => times + 1, 0);
  const search = useChatSearch(searching);
  const close = () => {
    endSearch();
    comeBack();
  };
  const done = useCallback(() => {
    setTask(null);
    comeBack();
  }, []);
  return (
    <div className={classes.chat}>
      {searching && <ChatSearch search={search} close={close} />}
      {chat.length === 0 && sending.length === 0 ? (
        <Text size="sm" c="dimmed" ta="center" m="auto" p="md">
          {t('chat.empty')}
        </Text>
      ) : (
        <Lines divider={divider} choose={setTask} search={searching ? search : null} />
      )}
      <Typing />
      {silent === null ? (
        <Write key={task?.kind === 'edit' ? task.line.id : 'new'} task={task} focus={back} done={done} />
      ) : (
        <Text size="sm" c="dimmed" p="sm" role="status">
          {silent === 'partner' && t('chat.noPartner')}
          {silent === 'home' && t('chat.noHome')}
          {silent === 'guests' && t('guests.noChat')}
        </Text>
      )}
    </div>
  );
}

interface LinesProps {
  divider: ChatSeen['divider'];
  choose: (task: Task) => void;
  search: ChatSearching | null;
}

function Lines({ divider, choose, search }: LinesProps) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { chat: told, participants, me, earlier, reads, sending, run } = useMeeting();
  const chat = useMemo(() => withNames(told, participants), [told, participants]);
  const sought = search?.text ?? '';
  const hit = search?.hits[search.place]?.id;
  const list = useRef<HTMLDivElement>(null);
  const [deleting, setDeleting] = useState<ChatLine | null>(null);
  const last = chat.at(-1)?.id;
  useEffect(() => {
    if (!hit) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [last, hit, sending.length]);
  useEffect(() => {
    if (hit) list.current?.querySelector(`#${lineId(hit)}`)?.scrollIntoView({ block: 'center' });
  }, [hit]);
  useRead(last);
  const show = useCallback((id: string) => {
    const line = list.current?.querySelector<HTMLElement>(`#${lineId(id)}`);
    line?.scrollIntoView({ block: 'center' });
    line?.focus();
  }, []);
  const byId = new Map(chat.map((line) => [line.id, line]));
  const firstNew = divider && chat[chat.findIndex((line) => line.id === divider.after) + 1]?.id;
  return (
    <div ref={list} className={classes.lines} role="log" aria-label={t('bar.chat')} tabIndex={0}>
      {earlier && (
        <div className={classes.more}>
          <Button variant="subtle" size="compact-sm" onClick={() => meeting.askEarlier()}>
            {t('chat.earlier')}
          </Button>
        </div>
      )}
      <ol>
        {chat.map((line, place) => (
          <Fragment key={line.id}>
            {beginsRun(line, chat[place - 1], run) && (
              <li className={classes.run}>
                <span>
                  {line.run === run ? t('chat.thisRun') : t('chat.run', { when: dayOf(line.run!) })}
                </span>
              </li>
            )}
            {line.id === firstNew && (
              <li className={classes.divider}>
                <span>{t('chat.new')}</span>
              </li>
            )}
            <Line
              line={line}
              mine={isMine(line, me)}
              before={line.id === firstNew ? undefined : sameRun(line, chat[place - 1])}
              answered={line.reply_to ? (byId.get(line.reply_to) ?? null) : undefined}
              show={show}
              choose={choose}
              remove={setDeleting}
              sought={sought}
              hit={line.id === hit}
              readers={readersOf(line, chat[place + 1], me, reads)}
            />
          </Fragment>
        ))}
        {sending.map((line) => (
          <Unseen key={line.key} line={line} />
        ))}
      </ol>
      <DeleteLine line={deleting} close={() => setDeleting(null)} />
    </div>
  );
}

function DeleteLine({ line, close }: { line: ChatLine | null; close: () => void }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { me } = useMeeting();
  const own = line !== null && isMine(line, me);
  return (
    <Confirm
      opened={line !== null}
      close={close}
      title={t('chat.deleteTitle')}
      verb={t('chat.delete')}
      act={() => {
        if (line) meeting.unsay(line.id);
        return Promise.resolve();
      }}
    >
      {own ? t('chat.deleteOwn') : t('chat.deleteOther', { name: line?.name ?? '' })}
    </Confirm>
  );
}
