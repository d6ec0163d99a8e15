import classes from './Chat.module.css';
import { useMeeting, useMeetingText } from './context';

/** Who is writing a message. It is not read out: it changes all the time, and the message is. */
export function Typing() {
  const { t } = useMeetingText();
  const { writing, me } = useMeeting();
  const [first, second, ...others] = writing.people.filter(({ participant }) => participant !== me);
  const many = others.length > 0 || writing.more;
  return (
    <div className={classes.typing} aria-live="off">
      {first &&
        (second
          ? t(many ? 'chat.manyWrite' : 'chat.twoWrite', { first: first.name, second: second.name })
          : t('chat.oneWrites', { name: first.name }))}
    </div>
  );
}
