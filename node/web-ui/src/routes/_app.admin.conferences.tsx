import { createFileRoute } from '@tanstack/react-router';
import { ConferencesPage } from '../admin/ConferencesPage';
import { accesses, modes, stages } from '../api/types';
import { flag, oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/conferences')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      sort: text(search.sort),
      stage: oneOf(search.stage, stages),
      mode: oneOf(search.mode, modes),
      access: oneOf(search.access, accesses),
      owner: text(search.owner),
      /** The conference whose sheet is open. */
      conference: text(search.conference),
      create: flag(search.create),
      /** What a new one is set up like. */
      template: text(search.template),
    }),
  component: ConferencesPage,
});
