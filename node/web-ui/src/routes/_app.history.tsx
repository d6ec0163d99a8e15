import { createFileRoute } from '@tanstack/react-router';
import { HistoryPage } from '../history/HistoryPage';
import { oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/history')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      kind: oneOf(search.kind, ['meetings', 'calls']),
      search: text(search.search),
      direction: oneOf(search.direction, ['incoming', 'outgoing']),
      answered: oneOf(search.answered, ['yes', 'no']),
    }),
  component: HistoryPage,
});
