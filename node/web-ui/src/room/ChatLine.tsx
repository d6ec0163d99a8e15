import { ActionIcon, Menu } from '@mantine/core';
import { IconArrowBackUp, IconCornerDownRight, IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import i18n from '../i18n';
import { mayEdit, mentionsMe, splitByMentions } from '../meeting/chat';
import type { ChatLine } from '../meeting/messages';
import { splitByFound } from '../meeting/search';
import { linked } from '../ui/linked';
import { exactTime } from '../ui/text';
import classes from './Chat.module.css';
import type { Task } from './ChatWrite';
import { useMeeting, useMeetingText } from './context';
import { useMyself } from './useMyself';

/** Lines of one person so close together have one head. */
const TOGETHER_MS = 120_000;

export const lineId = (id: string) => `chat-line-${id}`;

interface Props {
  line: ChatLine;
  mine: boolean;
  before?: ChatLine;
  /** The line that it answers; null: one that is not here any more. */
  answered?: ChatLine | null;
  show: (id: string) => void;
  choose: (task: Task) => void;
  remove: (line: ChatLine) => void;
  /** What is sought in the chat. */
  sought: string;
  /** It is the one that a search looks at. */
  hit: boolean;
  /** How many have read it, where one is to know. */
  readers: number;
}

export function Line({ line, mine, before, answered, show, choose, remove, sought, hit, readers }: Props) {
  const { t } = useMeetingText();
  const { me } = useMeeting();
  const follows =
    answered === undefined &&
    before?.participant === line.participant &&
    // Programs that write from outside have no places.
    before.name === line.name &&
    line.at - before.at < TOGETHER_MS;
  return (
    <li
      id={lineId(line.id)}
      tabIndex={-1}
      className={classes.line}
      data-mine={mine || undefined}
      data-follows={follows || undefined}
      data-for-me={mentionsMe(line, me) || undefined}
      data-hit={hit || undefined}
    >
      {!follows && (
        <div className={classes.head}>
          <b>{mine ? t('chat.you') : <Found text={line.name} sought={sought} />}</b>
          <time dateTime={new Date(line.at).toISOString()} title={exactTime(line.at)}>
            {clock(line.at)}
          </time>
        </div>
      )}
      {answered !== undefined && <Quote line={answered} show={show} />}
      {line.deleted ? (
        <div className={classes.gone}>
          {t(line.deleted === 'moderator' ? 'chat.deletedByModerator' : 'chat.deleted')}
        </div>
      ) : (
        <>
          <div className={classes.text}>
            {sought.trim() === '' ? <Words line={line} /> : <Found text={line.text} sought={sought} />}
            {line.edited_at && (
              <span className={classes.edited} title={exactTime(line.edited_at)}>
                {' '}
                {t('chat.edited')}
              </span>
            )}
          </div>
          {readers > 0 && <div className={classes.read}>{t('chat.readBy', { count: readers })}</div>}
          <Actions line={line} mine={mine} choose={choose} remove={remove} />
        </>
      )}
    </li>
  );
}

function clock(at: number): string {
  return new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short' }).format(at);
}

/** A text with what is sought in it marked. */
function Found({ text, sought }: { text: string; sought: string }) {
  return splitByFound(text, sought).map((part, place) =>
    place % 2 === 0 ? (
      <span key={place}>{part}</span>
    ) : (
      <mark key={place} className={classes.found}>
        {part}
      </mark>
    ),
  );
}

/** The text, with the names of those who are mentioned. */
function Words({ line }: { line: ChatLine }) {
  const { me } = useMeeting();
  const mentions = line.mentions ?? [];
  const parts = splitByMentions(
    line.text,
    mentions.map(({ name }) => name),
  );
  return parts.map((part, place) => {
    if (place % 2 === 0) return <span key={place}>{linked(part)}</span>;
    const mine = mentions.some(
      ({ name, places }) => `@${name}` === part && me !== null && places.includes(me),
    );
    return (
      <mark key={place} className={classes.mention} data-me={mine || undefined}>
        {part}
      </mark>
    );
  });
}

/** The line that another one answers, in one row; it is shown when one clicks on it. */
function Quote({ line, show }: { line: ChatLine | null; show: (id: string) => void }) {
  const { t } = useMeetingText();
  const icon = <IconCornerDownRight size={14} aria-hidden />;
  if (line === null) {
    return (
      <div className={classes.quote}>
        {icon} <span>{t('chat.quoteGone')}</span>
      </div>
    );
  }
  const text = line.deleted ? t('chat.quoteDeleted') : line.text;
  return (
    <button
      type="button"
      className={classes.quote}
      aria-label={t('chat.quote', { name: line.name, text: text.slice(0, 200) })}
      onClick={() => show(line.id)}
    >
      {icon}
      <span>
        {!line.deleted && <b>{line.name}</b>} {text}
      </span>
    </button>
  );
}

function Actions({ line, mine, choose, remove }: Pick<Props, 'line' | 'mine' | 'choose' | 'remove'>) {
  const { t } = useMeetingText();
  const { me } = useMeeting();
  const { may, moderates } = useMyself();
  const edits = may.chat && mayEdit(line, me);
  const removes = mine || moderates;
  if (!may.chat && !removes) return null;
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="bottom-end"
      shadow="md"
      returnFocus={false}
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <ActionIcon
          className={classes.actions}
          size={28}
          variant="default"
          aria-label={t(mine ? 'chat.actionsOwn' : 'chat.actions', { name: line.name })}
        >
          <IconDots size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {may.chat && (
          <Menu.Item
            leftSection={<IconArrowBackUp size={16} aria-hidden />}
            onClick={() => choose({ kind: 'answer', line })}
          >
            {t('chat.reply')}
          </Menu.Item>
        )}
        {edits && (
          <Menu.Item
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={() => choose({ kind: 'edit', line })}
          >
            {t('chat.edit')}
          </Menu.Item>
        )}
        {removes && (
          <Menu.Item
            c="var(--plenary-bad)"
            leftSection={<IconTrash size={16} aria-hidden />}
            onClick={() => remove(line)}
          >
            {t('chat.delete')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
