import { CallChoice } from './CallChoice';
import { useMeetingText, useVisit } from './context';
import { useExpected } from './useExpected';

/** Lets the meeting begin, and rings at those who are ticked. */
export function Start({ done }: { done: () => void }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const start = (users: string[] | null) => {
    meeting.moderate('start');
    if (users === null || users.length > 0) meeting.call(users);
    done();
  };
  return <CallChoice text={t('start.text')} expected={useExpected()} start={start} />;
}
