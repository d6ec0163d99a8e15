import { createFileRoute } from '@tanstack/react-router';
import { EventsPage } from '../admin/EventsPage';
import { eventKinds } from '../api/types';
import { oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/events')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      kind: oneOf(search.kind, eventKinds),
      actor: text(search.actor),
      object_kind: text(search.object_kind),
      from: text(search.from),
      until: text(search.until),
      /** The event whose sheet is open. */
      event: text(search.event),
    }),
  component: EventsPage,
});
