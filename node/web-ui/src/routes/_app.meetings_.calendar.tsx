import { createFileRoute } from '@tanstack/react-router';
import { CalendarPage } from '../account/CalendarPage';
import { oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/meetings_/calendar')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      view: oneOf(search.view, ['week', 'month']),
      /** The day that is chosen, YYYY-MM-DD; without it: today. */
      day: text(search.day),
    }),
  component: CalendarPage,
});
