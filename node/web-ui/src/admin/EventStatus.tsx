import type { LogEvent } from '../api/types';
import { Status } from '../ui/Status';
import { useAdminText } from '../ui/text';
import { descriptionOf } from './eventText';

const quiet = ['logout', 'disconnect', 'stop', 'deactivation'];

/** What kind of event it is, and whether it went well. */
export function EventStatus({ event }: { event: LogEvent }) {
  const { t } = useAdminText();
  const kind = t(`eventKind.${event.kind}`);
  if (!event.success) return <Status tone="bad">{t('events.failed', { kind })}</Status>;
  if (event.kind === 'lock') return <Status tone="warn">{kind}</Status>;
  const word = event.kind === 'change' ? descriptionOf(event) : '';
  return <Status tone={quiet.includes(event.kind) ? 'quiet' : 'note'}>{word || kind}</Status>;
}
