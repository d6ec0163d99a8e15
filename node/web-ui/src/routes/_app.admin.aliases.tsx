import { createFileRoute } from '@tanstack/react-router';
import { AliasesPage } from '../admin/AliasesPage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/aliases')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      /** The alias whose sheet is open. */
      alias: text(search.alias),
      create: flag(search.create),
    }),
  component: AliasesPage,
});
