import { createFileRoute } from '@tanstack/react-router';
import { ConferencesPage } from '../admin/ConferencesPage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/conferences')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      sort: text(search.sort),
      /** The conference whose sheet is open. */
      conference: text(search.conference),
      create: flag(search.create),
    }),
  component: ConferencesPage,
});
